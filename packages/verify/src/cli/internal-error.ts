/**
 * Exit status of what should not happen: node's own for it is 1, which here says that the NPU is wrong. As sysexits.h has it,
 * EX_SOFTWARE.
 */
export const INTERNAL_ERROR = 70;
