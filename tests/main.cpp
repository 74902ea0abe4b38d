#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>

/// What is expected are the CPU's results, also on a machine with a GPU: neither the tests nor the programs that they
/// start see one.
int main(int argc, char** argv) {
  setenv("CUDA_VISIBLE_DEVICES", "", 1);
  return doctest::Context(argc, argv).run();
}
