#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/error.h"
#include "tests/fuzz/targets.h"

/// The targets for libFuzzer: fuzz --target=NAME CORPUS [libFuzzer's flags]
namespace {

const saccade::fuzz::Target* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static const auto targets = saccade::fuzz::all_targets();
  constexpr const char* flag = "--target=";
  for (int i = 1; i < *argc; ++i)
    for (const auto& target : targets)
      if (std::strncmp((*argv)[i], flag, std::strlen(flag)) == 0 && target.name == (*argv)[i] + std::strlen(flag))
        chosen = &target;
  if (chosen) return 0;
  std::fprintf(stderr, "expected --target=NAME, one of:");
  for (const auto& target : targets) std::fprintf(stderr, " %s", target.name.c_str());
  std::fprintf(stderr, "\n");
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    chosen->read({data, size});
  } catch (const saccade::InputError&) {
  } catch (const saccade::fuzz::Broken& broken) {
    std::fprintf(stderr, "%s\n", broken.what.c_str());
    std::abort();
  }
  return 0;
}
