#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What reads bytes that others made, one function each. It must end in a result or in an InputError; what it accepts,
/// it must be able to write and read again. libFuzzer looks for inputs that break this (preset `fuzz`); the tests run
/// each on its corpus, on what was ever found (tests/fuzz/found/NAME/) and on seeded mutations.
namespace saccade::fuzz {

using Bytes = std::vector<std::uint8_t>;

struct Target {
  std::string name;
  void (*read)(std::span<const std::uint8_t> input);
  std::vector<Bytes> (*corpus)();  ///< small real files, made here
};

std::vector<Target> record_targets();  ///< trace, views, checkpoint, payloads of their records
std::vector<Target> text_targets();    ///< experiments, studies, CSV files, summaries
std::vector<Target> data_targets();    ///< safetensors, data sets
std::vector<Target> image_targets();   ///< PNG and JPEG files
std::vector<Target> wire_targets();    ///< what comes over a connection
std::vector<Target> intake_targets();  ///< what a server makes of it
std::vector<Target> all_targets();

Bytes bytes_of(std::string_view text);
/// An input whose byte 0 chooses.
Bytes chosen(std::size_t choice, const Bytes& rest);

/// A byte, two of length, the payload: how targets write lists of records.
Bytes listed_record(std::uint32_t byte, std::span<const std::uint8_t> payload);

/// A file on disk with this content, in a folder that goes away with the process.
std::filesystem::path file_with(std::span<const std::uint8_t> content, const std::string& name);

/// Thrown where what was accepted does not come back.
struct Broken {
  std::string what;
};
inline void expect(bool condition, const char* what) {
  if (!condition) throw Broken{what};
}

}  // namespace saccade::fuzz
