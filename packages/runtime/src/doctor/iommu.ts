import { type Check, ok } from './check.js';

export const iommuCheck: Check = {
  id: 'iommu',
  title: 'IOMMU',
  section: 'Memory',
  needs: ['open'],
  run: ({ opened: { iommu } }) =>
    ok(
      iommu ? 'on: scattered pages do, CMA is not needed' : 'off: memory is contiguous, and comes from CMA',
      { iommu },
    ),
};
