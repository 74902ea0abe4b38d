#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "engine/device.h"
#include "engine/error.h"

/// The tests of the CUDA device on a real GPU. Without one there is nothing to test: exit code 77, which ctest calls
/// skipped.
int main(int argc, char** argv) {
  try {
    std::printf("on %s\n", saccade::make_cuda_device()->hardware().c_str());
  } catch (const saccade::InputError& error) {
    std::printf("skipped: %s\n", error.what());
    return 77;
  }
  return doctest::Context(argc, argv).run();
}
