#include "submit.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "chain.h"
#include "faults.h"
#include "host.h"
#include "memory.h"
#include "overlap.h"
#include "refuse.h"
#include "stats.h"

enum { DOMAINS_SINCE_DRIVER = 907 }; /* 0.9.7: SUBMIT names a domain and returns hw_elapse_time */

static _Atomic uint64_t traffic_written, traffic_features, traffic_weights;

struct traffic traffic_read(void) { return (struct traffic){traffic_written, traffic_features, traffic_weights}; }
void traffic_clear(void) { traffic_written = traffic_features = traffic_weights = 0; }

static int check_flags(const struct uapi_submit *job) {
  if (!(job->flags & JOB_PC))
    return refuse(EINVAL, "job-flags", "SUBMIT flags 0x%x: PC (1) is not set, and the driver runs only PC jobs", job->flags);
  if (job->flags & (JOB_NONBLOCK | JOB_FENCE_IN | JOB_FENCE_OUT))
    return refuse(EINVAL, "job-flags", "SUBMIT flags 0x%x: nonblock (2) and fences (8, 16) are not modelled, expected 1 or 5", job->flags);
  if (job->flags & ~(uint32_t)(JOB_PC | JOB_PINGPONG))
    return refuse(EINVAL, "job-flags", "SUBMIT flags 0x%x has bits that are not defined, expected 1 or 5", job->flags);
  if (job->task_base_addr)
    return refuse(EINVAL, "task-base", "SUBMIT task_base_addr 0x%llx, expected 0", (unsigned long long)job->task_base_addr);
  if (job->timeout_ms == 0) return refuse(ETIMEDOUT, "timeout", "SUBMIT timeout_ms 0: the driver gives up before the job ends");
  return 0;
}

/* Masks that the driver starts a job for: one core, 0 and 1, all three. */
static int check_core_mask(const struct open_file *file, const struct uapi_submit *job) {
  uint32_t mask = job->core_mask, present = (1u << file->hardware.cores) - 1;
  bool started = mask == 0 || mask == 1 || mask == 2 || mask == 4 || mask == 3 || mask == 7;
  if (started && !(mask & ~present)) return 0;
  return refuse(EINVAL, "core-mask", "SUBMIT core_mask 0x%x on a device with %u cores, expected 0 (the driver chooses), one core, 3 or 7", mask,
                file->hardware.cores);
}

static int find_shares(const struct uapi_submit *job, uint32_t mask, const struct buffer *array, struct share shares[MAX_CORES],
                       unsigned *count) {
  unsigned offset = mask == 7 ? 2 : 0;
  uint64_t total = 0, records = array->size / sizeof(struct uapi_task);
  uint32_t used = 0;
  *count = 0;
  for (unsigned core = 0; core < MAX_CORES; core++) {
    if (!(mask >> core & 1)) continue;
    const struct uapi_subcore_task *own = &job->subcore_task[core + offset];
    used |= 1u << (core + offset);
    if (own->task_number == 0 || own->task_number > MAX_TASKS_PER_KICK)
      return refuse(EINVAL, "task-number", "SUBMIT subcore_task[%u].task_number = %u for core %u, expected 1 to %u", core + offset, own->task_number,
                    core, MAX_TASKS_PER_KICK);
    if ((uint64_t)own->task_start + own->task_number > records)
      return refuse(EINVAL, "task-array", "SUBMIT subcore_task[%u] names tasks %u to %llu, but the buffer of the array has room for %llu", core + offset,
                    own->task_start, (unsigned long long)own->task_start + own->task_number - 1, (unsigned long long)records);
    shares[(*count)++] = (struct share){core, own->task_start, own->task_number, array->device};
    total += own->task_number;
  }
  for (unsigned i = 0; i < SUBCORE_TASKS; i++)
    if (!(used >> i & 1) && job->subcore_task[i].task_number)
      return refuse(EINVAL, "task-number", "SUBMIT subcore_task[%u].task_number = %u, expected 0: core_mask 0x%x does not use the entry", i,
                    job->subcore_task[i].task_number, mask);
  if (total != job->task_number)
    return refuse(EINVAL, "task-number", "SUBMIT task_number = %u, expected %llu as its cores' subcore_task entries together", job->task_number,
                  (unsigned long long)total);
  return 0;
}

static const struct buffer *find_task_array(const struct open_file *file, const struct uapi_submit *job) {
  const struct buffer *array = memory_by_obj_addr(file, job->task_obj_addr);
  if (!array) {
    refuse(EINVAL, "task-array", "SUBMIT task_obj_addr 0x%llx is no buffer of this file", (unsigned long long)job->task_obj_addr);
    return NULL;
  }
  if (!(array->flags & MEM_KERNEL_MAPPING)) {
    refuse(EINVAL, "task-array", "SUBMIT task_obj_addr 0x%llx: the buffer's flags 0x%x lack kernel-mapping (8), the kernel cannot read the array",
           (unsigned long long)job->task_obj_addr, array->flags);
    return NULL;
  }
  return array;
}

static void hang(uint32_t mask) {
  cores_hang(mask);
  stats_add(&stats.timeouts, 1);
}

static int check_alive(uint32_t mask, const struct plan *plan) {
  uint32_t hung = cores_hung(mask);
  if (hung)
    return refuse(ETIMEDOUT, "core-hung", "core %d waits for ACTION reset (6) since a job on it timed out", __builtin_ctz(hung));
  uint32_t dead = mask & plan->dead_cores;
  if (!dead) return 0;
  stats_add(&stats.faults_injected, 1);
  say("injected fault: core %d is dead, the job times out; its cores wait for ACTION reset", __builtin_ctz(dead));
  hang(mask);
  return -ETIMEDOUT;
}

static void apply_stuck_bits(const struct matmul *m, const struct plan *plan) {
  uint64_t span = region_span(result_region(m));
  for (unsigned i = 0; i < plan->stuck_bit_count; i++)
    if (plan->stuck_bits[i].offset < span) m->result[plan->stuck_bits[i].offset] |= (uint8_t)(1u << plan->stuck_bits[i].bit);
}

static void plan_outcomes(const struct share *shares, unsigned count, const struct plan *plan) {
  for (unsigned s = 0; s < count; s++)
    for (uint32_t i = 0; i < shares[s].count; i++) {
      struct task_work *work = &cores[shares[s].core].tasks[i];
      if (plan->stale_cores >> shares[s].core & 1) work->outcome = OUTCOME_STALE;
      else if (plan->zero_cores >> shares[s].core & 1) work->outcome = OUTCOME_ZEROS;
      work->matmul.short_height_fault = plan->short_heights && work->matmul.rows < 4;
    }
}

static void run(const struct share *shares, unsigned count, const struct plan *plan) {
  struct core_work works[MAX_CORES] = {{0}};
  for (unsigned s = 0; s < count; s++) {
    struct core *core = &cores[shares[s].core];
    works[s] = (struct core_work){.tasks = core->tasks, .count = shares[s].count, .panel = core->panel};
  }
  pool_run(works, count, engine_get(plan->engine), plan->threads);
}

static void account(const struct share *shares, unsigned count, const struct plan *plan) {
  for (unsigned s = 0; s < count; s++) {
    for (uint32_t i = 0; i < shares[s].count; i++) {
      const struct task_work *work = &cores[shares[s].core].tasks[i];
      const struct matmul *m = &work->matmul;
      uint64_t features = (uint64_t)m->rows * m->inputs * input_bytes(m->in), weights = (uint64_t)m->outputs * m->inputs * input_bytes(m->in);
      uint64_t written = work->outcome == OUTCOME_STALE ? 0 : (uint64_t)m->rows * m->outputs * output_bytes(m->out);
      if (work->outcome != OUTCOME_STALE) apply_stuck_bits(m, plan);
      stats_add(&stats.tasks, 1);
      stats_add(&stats.macs, (uint64_t)m->rows * m->inputs * m->outputs);
      stats_add(&stats.feature_bytes_read, features);
      stats_add(&stats.weight_bytes_read, weights);
      stats_add(&stats.bytes_read, features + weights);
      stats_add(&stats.bytes_written, written);
      stats_add(&traffic_features, features);
      stats_add(&traffic_weights, weights);
      stats_add(&traffic_written, written);
    }
    uint32_t last = shares[s].count - 1, status = INT_DPU;
    memcpy(share_records(&shares[s]) + last * sizeof(struct uapi_task) + offsetof(struct uapi_task, int_status), &status, sizeof status);
  }
}

/* Room for what the engine needs for the largest of the planned tasks of each core. */
static int reserve_panels(const struct share *shares, unsigned count, const struct engine *engine) {
  int status = 0;
  for (unsigned s = 0; s < count && status == 0; s++) {
    struct core *core = &cores[shares[s].core];
    size_t most = 0;
    for (uint32_t i = 0; i < shares[s].count; i++) {
      size_t bytes = engine->panel_bytes(&core->tasks[i].matmul);
      if (bytes > most) most = bytes;
    }
    status = core_reserve_panel(core, most);
  }
  return status;
}

/* With its cores taken: plan everything, so that a refused job has run nothing and left the registers alone; then run. */
static int run_on_cores(struct uapi_submit *job, uint32_t mask, struct share *shares, unsigned count, uint32_t domain, const struct plan *plan) {
  int status = check_alive(mask, plan);
  for (unsigned s = 0; s < count && status == 0; s++) {
    status = core_reserve_tasks(&cores[shares[s].core], shares[s].count);
    if (status == 0) status = chain_plan(&shares[s], domain);
    if (status == -ETIMEDOUT) hang(mask);
  }
  if (status == 0) status = check_overlaps(shares, count);
  if (status == 0) status = reserve_panels(shares, count, engine_get(plan->engine));
  if (status < 0) return status;
  for (unsigned s = 0; s < count; s++) cores[shares[s].core].registers = cores[shares[s].core].planned;
  plan_outcomes(shares, count, plan);
  uint64_t started = host_nanoseconds();
  run(shares, count, plan);
  uint64_t elapsed = host_nanoseconds() - started;
  account(shares, count, plan);
  stats_add(&stats.submits, 1);
  stats_add(&stats.busy_nanoseconds, elapsed);
  job->hw_elapse_time = (int64_t)elapsed;
  return 0;
}

int submit(struct open_file *file, struct uapi_submit *job, const struct plan *plan) {
  bool has_domains = file->hardware.driver_version >= DOMAINS_SINCE_DRIVER;
  uint32_t domain = has_domains ? job->iommu_domain_id : 0;
  if (domain >= (file->hardware.iommu ? DOMAINS : 1))
    return refuse(EINVAL, "domain", "SUBMIT iommu_domain_id %u, expected 0%s", domain, file->hardware.iommu ? " to 15" : " (this device has no IOMMU)");
  if (job->task_number == 0) return refuse(EINVAL, "task-number", "SUBMIT task_number = 0, expected at least 1");
  int status = check_flags(job);
  if (status == 0) status = check_core_mask(file, job);
  if (status < 0) return status;
  if (job->core_mask == 0) job->core_mask = 1; /* the driver chooses, and writes its choice back */
  uint32_t mask = job->core_mask;

  const struct buffer *array = find_task_array(file, job);
  if (!array) return -EINVAL;
  struct share shares[MAX_CORES];
  unsigned count;
  status = find_shares(job, mask, array, shares, &count);
  if (status < 0) return status;

  status = cores_acquire(mask);
  if (status < 0) return status;
  struct fault fault = fault_for_call(plan, CALL_SUBMIT);
  if (fault.hangs) hang(mask);
  int64_t user_data = job->hw_elapse_time;
  if (fault.error) status = -fault.error;
  else status = run_on_cores(job, mask, shares, count, domain, plan);
  cores_release(mask);
  if (!has_domains) job->hw_elapse_time = user_data;
  job->task_counter = status == 0 ? job->task_number : 0;
  return status;
}
