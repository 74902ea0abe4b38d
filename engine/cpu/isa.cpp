#include "engine/cpu/isa.h"

#include <cstdlib>
#include <string>

#include "engine/error.h"

namespace saccade::cpu {

const KernelTable& select_kernels() {
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  const char* wanted = std::getenv("SACCADE_ISA");
  const std::string name = wanted && *wanted ? wanted : (has_avx512 ? "avx512" : has_avx2 ? "avx2" : "portable");
  if (name == "avx512" && has_avx512) return avx512::table;
  if (name == "avx2" && has_avx2) return avx2::table;
  if (name == "portable") return portable::table;
  if (name == "avx512" || name == "avx2")
    throw InputError("SACCADE_ISA is \"" + name +
                     "\", but this processor does not have it; unset it or choose another");
  throw InputError("SACCADE_ISA is \"" + name + "\"; expected avx512, avx2 or portable");
}

}  // namespace saccade::cpu
