#pragma once
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/device.h"
#include "engine/error.h"
#include "tests/reference/compare.h"
#include "tests/reference/layout.h"

/// The devices under test: every instruction set that this machine has, with 1, 2 and 5 threads.
namespace saccade::reference {

/// Null when the machine cannot run the instruction set; that is said once. Devices live until the program ends.
inline Device* cpu_device(const std::string& isa, int threads) {
  static std::map<std::pair<std::string, int>, std::unique_ptr<Device>> devices;
  const auto key = std::make_pair(isa, threads);
  if (const auto found = devices.find(key); found != devices.end()) return found->second.get();
  const char* before = std::getenv("SACCADE_ISA");
  const std::optional<std::string> old = before != nullptr ? std::optional<std::string>(before) : std::nullopt;
  setenv("SACCADE_ISA", isa.c_str(), 1);
  std::unique_ptr<Device> device;
  try {
    device = make_cpu_device(threads);
    CHECK(device->instruction_set() == isa);
    CHECK(device->threads() == threads);
  } catch (const InputError& error) {
    MESSAGE("skipped instruction set " << isa << ": " << error.what());
  }
  if (old) {
    setenv("SACCADE_ISA", old->c_str(), 1);
  } else {
    unsetenv("SACCADE_ISA");
  }
  return (devices[key] = std::move(device)).get();
}

/// Outputs of an operation, in device layout, by name.
struct Outputs {
  std::map<std::string, std::vector<float>> floats;
  std::map<std::string, std::vector<std::uint8_t>> bytes;
  std::map<std::string, std::vector<std::int32_t>> ints;
};

inline std::string first_difference(const Outputs& a, const Outputs& b) {
  const auto search = [](const auto& x, const auto& y) -> std::string {
    for (const auto& [name, values] : x) {
      if (!y.contains(name) || values.size() != y.at(name).size()) return name + ": missing or of another size";
      for (std::size_t i = 0; i < values.size(); ++i)
        if (std::memcmp(&values[i], &y.at(name)[i], sizeof values[i]) != 0)
          return name + " element " + std::to_string(i) + ": " + std::to_string(values[i]) + " and " +
                 std::to_string(y.at(name)[i]);
    }
    return {};
  };
  if (std::string text = search(a.floats, b.floats); !text.empty()) return text;
  if (std::string text = search(a.bytes, b.bytes); !text.empty()) return text;
  return search(a.ints, b.ints);
}

#if defined(SACCADE_TEST_CUDA)
}  // namespace saccade::reference
#include "tests/reference/on_cuda.h"
namespace saccade::reference {
#else

/// Runs `run(device) -> Outputs` everywhere, `verify(outputs)` once per instruction set, and demands the same bits for
/// any number of threads and from avx2 and avx512. `portable` may differ in bits: it has no fused multiply-add.
/// ThreadSanitizer, to which every instruction set's threads are alike and which takes hours for all, sees one.
#if defined(__SANITIZE_THREAD__)
inline constexpr std::array<int, 1> thread_counts{5};
inline constexpr bool one_instruction_set = true;
#else
inline constexpr std::array<int, 3> thread_counts{1, 2, 5};
inline constexpr bool one_instruction_set = false;
#endif
template <class Run, class Verify>
void on_all_devices(Run run, Verify verify) {
  std::optional<Outputs> vector_bits;
  for (const std::string isa : {"avx512", "avx2", "portable"}) {
    CAPTURE(isa);
    std::optional<Outputs> first;
    for (const int threads : thread_counts) {
      CAPTURE(threads);
      Device* device = cpu_device(isa, threads);
      if (device == nullptr) break;
      Outputs out = run(*device);
      if (!first) {
        verify(out);
        first = std::move(out);
      } else {
        CHECK(first_difference(*first, out) == "");
      }
    }
    if (first && one_instruction_set) return;
    if (!first || isa == "portable") continue;
    if (vector_bits)
      CHECK(first_difference(*vector_bits, *first) == "");
    else
      vector_bits = std::move(first);
  }
}

#endif

#define CHECK_CLOSE(...)                                               \
  do {                                                                 \
    const ::saccade::reference::Verdict verdict_ = __VA_ARGS__;        \
    CHECK_MESSAGE(verdict_.ok, #__VA_ARGS__ << ": " << verdict_.text); \
  } while (false)

}  // namespace saccade::reference
