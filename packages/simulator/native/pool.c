#include "pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "config.h"
#include "host.h"

enum { WORTH_WAKING_BYTES = 256 << 10, HELPER_STACK_BYTES = 1 << 20, MAX_HELPERS = MAX_CORES - 1 };
/* How long a thread looks for the next event before it sleeps. Waking one takes tens of microseconds, as long as a small
 * job; a token has a job every hundred or so. Of a 110M model's token this saves a quarter. */
enum { SPIN_NANOSECONDS = 150000 };

struct job {
  struct core_work *works;
  unsigned count;
  const struct engine *engine;
  unsigned helpers_wanted, helpers_inside;
  struct job *next;
};

/* Held for less than a microsecond: whoever finds it taken tries again a few times before sleeping. glibc has that, others
 * (musl) have not. */
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#define LOCK_INITIALIZER PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#else
#define LOCK_INITIALIZER PTHREAD_MUTEX_INITIALIZER
#endif

static pthread_mutex_t lock = LOCK_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static _Atomic uint32_t events; /* jobs that came, stages that ended, helpers that left */
static unsigned sleeping;
static bool spinning_pays; /* the host has a processor for each thread */
static struct job *jobs;
static unsigned helpers;

static uint32_t groups_of(const struct matmul *m) { return m->outputs / group_channels(m); }

enum claim { CLAIMED_PREPARE, CLAIMED_GROUPS, CLAIMED_NOTHING_YET, CLAIMED_JOB_DONE };

/* Call with the lock held. Looks first at the core that the thread stands for. */
static enum claim claim(struct job *job, unsigned own, struct core_work **work, uint32_t *first, uint32_t *count) {
  bool done = true;
  for (unsigned i = 0; i < job->count; i++) {
    struct core_work *candidate = &job->works[(own + i) % job->count];
    if (candidate->current == candidate->count) continue;
    done = false;
    *work = candidate;
    if (candidate->stage == NEEDS_PREPARING) {
      candidate->stage = PREPARING;
      return CLAIMED_PREPARE;
    }
    const struct matmul *m = &candidate->tasks[candidate->current].matmul;
    uint32_t left = groups_of(m) - candidate->next_group;
    if (candidate->stage != READY || left == 0) continue;
    *first = candidate->next_group;
    *count = (left + 3) / 4; /* large pieces at first; small ones last, so that threads end together */
    candidate->next_group += *count;
    return CLAIMED_GROUPS;
  }
  return done ? CLAIMED_JOB_DONE : CLAIMED_NOTHING_YET;
}

static void pause_briefly(void) {
#if defined(__x86_64__)
  for (unsigned i = 0; i < 8; i++) __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Call with the lock held. */
static void announce(void) {
  atomic_fetch_add(&events, 1);
  if (sleeping) pthread_cond_broadcast(&changed);
}

/* Call with the lock held; returns with it held. */
static void wait_for_event(void) {
  uint32_t seen = events;
  if (spinning_pays) {
    pthread_mutex_unlock(&lock);
    for (uint64_t end = host_nanoseconds() + SPIN_NANOSECONDS; events == seen && host_nanoseconds() < end;) pause_briefly();
    pthread_mutex_lock(&lock);
  }
  sleeping++;
  while (events == seen) pthread_cond_wait(&changed, &lock);
  sleeping--;
}

static void write_zeros(const struct matmul *m, uint32_t first, uint32_t count) {
  uint32_t per_surface = SURFACE_ATOM_BYTES / output_bytes(m->out);
  uint32_t channels = group_channels(m);
  for (uint32_t surface = first * channels / per_surface; surface < (first + count) * channels / per_surface; surface++)
    memset(m->result + surface * m->result_surface_bytes, 0, (size_t)m->rows * SURFACE_ATOM_BYTES);
}

static void run_groups(const struct job *job, const struct core_work *work, uint32_t first, uint32_t count) {
  const struct task_work *task = &work->tasks[work->current];
  if (task->outcome == OUTCOME_RESULT) job->engine->run(&task->matmul, work->panel, first, count);
  if (task->outcome == OUTCOME_ZEROS) write_zeros(&task->matmul, first, count);
}

/* Call with the lock held; returns with it held when nothing of the job is left to claim or wait for. */
static void work_on(struct job *job, unsigned own) {
  for (;;) {
    struct core_work *work;
    uint32_t first, count;
    switch (claim(job, own, &work, &first, &count)) {
      case CLAIMED_JOB_DONE: return;
      case CLAIMED_NOTHING_YET: wait_for_event(); break;
      case CLAIMED_PREPARE:
        pthread_mutex_unlock(&lock);
        job->engine->prepare(&work->tasks[work->current].matmul, work->panel);
        pthread_mutex_lock(&lock);
        work->next_group = 0;
        work->pending_groups = groups_of(&work->tasks[work->current].matmul);
        work->stage = READY;
        announce();
        break;
      case CLAIMED_GROUPS:
        pthread_mutex_unlock(&lock);
        run_groups(job, work, first, count);
        pthread_mutex_lock(&lock);
        work->pending_groups -= count;
        if (work->pending_groups > 0) break;
        work->current++;
        work->stage = NEEDS_PREPARING;
        announce();
        break;
    }
  }
}

static void *helper_main(void *argument) {
  (void)argument;
  pthread_mutex_lock(&lock);
  for (;;) {
    struct job *job = jobs;
    while (job && job->helpers_wanted == 0) job = job->next;
    if (!job) {
      wait_for_event();
      continue;
    }
    job->helpers_wanted--;
    unsigned own = ++job->helpers_inside;
    work_on(job, own);
    job->helpers_inside--;
    announce();
  }
  return NULL;
}

/* A forked child has none of the threads; they start again at its first job. */
static void forget_helpers(void) {
  helpers = 0;
  sleeping = 0;
  jobs = NULL;
  lock = (pthread_mutex_t)LOCK_INITIALIZER;
  pthread_cond_init(&changed, NULL);
}

/* Call with the lock held. With fewer helpers than wanted the others do their work. */
static void start_helpers(unsigned wanted) {
  static bool watching_forks;
  if (!watching_forks) watching_forks = pthread_atfork(NULL, NULL, forget_helpers) == 0;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the program's */
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, HELPER_STACK_BYTES);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  while (helpers < wanted && helpers < MAX_HELPERS && pthread_create(&thread, &attributes, helper_main, NULL) == 0) helpers++;
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static uint64_t job_bytes(const struct core_work *works, unsigned count) {
  uint64_t bytes = 0;
  for (unsigned i = 0; i < count; i++)
    for (uint32_t t = 0; t < works[i].count; t++) {
      const struct matmul *m = &works[i].tasks[t].matmul;
      bytes += (uint64_t)m->outputs * m->inputs * input_bytes(m->in) * ((m->rows + 3) / 4);
    }
  return bytes;
}

void pool_run(struct core_work *works, unsigned count, const struct engine *engine, unsigned threads) {
  unsigned processors = host_processors();
  if (threads == 0) threads = count < processors ? count : processors;
  struct job job = {.works = works, .count = count, .engine = engine};
  bool shared = threads > 1 && job_bytes(works, count) >= WORTH_WAKING_BYTES;

  pthread_mutex_lock(&lock);
  if (shared) {
    job.helpers_wanted = threads - 1;
    if (helpers < job.helpers_wanted) start_helpers(job.helpers_wanted);
    spinning_pays = helpers < processors;
    job.next = jobs;
    jobs = &job;
    announce();
  }
  work_on(&job, 0);
  job.helpers_wanted = 0;
  while (job.helpers_inside) wait_for_event();
  if (shared) {
    struct job **link = &jobs;
    while (*link && *link != &job) link = &(*link)->next;
    if (*link) *link = job.next;
  }
  pthread_mutex_unlock(&lock);
}
