#include "engine.h"

#include <string.h>

static const struct engine *available(enum engine_kind kind) {
  switch (kind) {
    case ENGINE_PORTABLE: return &engine_portable;
#if defined(__x86_64__)
    case ENGINE_AVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") ? &engine_avx2 : NULL;
    case ENGINE_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
                 ? &engine_avx512
                 : NULL;
#elif defined(__aarch64__)
    case ENGINE_NEON: return &engine_neon; /* part of every arm64 */
#endif
    default: return NULL;
  }
}

const struct engine *engine_get(enum engine_kind kind) {
  if (kind != ENGINE_AUTO) return available(kind);
  static const enum engine_kind fastest_first[] = {ENGINE_AVX512, ENGINE_AVX2, ENGINE_NEON, ENGINE_PORTABLE};
  for (unsigned i = 0; i < sizeof fastest_first / sizeof *fastest_first; i++) {
    const struct engine *engine = available(fastest_first[i]);
    if (engine) return engine;
  }
  return &engine_portable;
}

bool engine_by_name(const char *name, enum engine_kind *out) {
  static const struct {
    const char *name;
    enum engine_kind kind;
  } names[] = {{"auto", ENGINE_AUTO}, {"portable", ENGINE_PORTABLE}, {"avx2", ENGINE_AVX2}, {"avx512", ENGINE_AVX512}, {"neon", ENGINE_NEON}};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(name, names[i].name) != 0 || !engine_get(names[i].kind)) continue;
    *out = names[i].kind;
    return true;
  }
  return false;
}
