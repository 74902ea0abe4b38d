#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "engine/error.h"
#include "tests/fuzz/targets.h"

/// Runs the targets without libFuzzer: the corpus, what was ever found, and mutations of both.
///   test_fuzz [--mutations N] [--seed S] [--write-corpus DIR] [TARGET...]
/// A failure names its input, which is left in the current folder: put it at tests/fuzz/found/TARGET/ and mend.
namespace saccade::fuzz {
namespace {

namespace fs = std::filesystem;

Bytes read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, const Bytes& bytes) {
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

std::vector<Bytes> inputs_of(const Target& target) {
  std::vector<Bytes> all = target.corpus();
  if (const fs::path found = fs::path(SACCADE_TESTS) / "fuzz" / "found" / target.name; fs::exists(found)) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(found)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) all.push_back(read(file));
  }
  return all;
}

/// A few changes of the kinds that damage files: bits, bytes, numbers, pieces left out, doubled or from elsewhere.
Bytes mutated(Bytes bytes, const Bytes& other, std::mt19937_64& random) {
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  for (std::size_t changes = 1 + below(4); changes > 0 && !bytes.empty(); --changes) {
    const std::size_t at = below(bytes.size()), length = 1 + below(std::min<std::size_t>(bytes.size() - at, 40));
    const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at), end = here + static_cast<std::ptrdiff_t>(length);
    switch (below(7)) {
      case 0:
        bytes[at] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 1:
        bytes[at] = static_cast<std::uint8_t>(random());
        break;
      case 2: {  // a number at its limits
        constexpr std::uint8_t limits[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
        std::fill(here, end, limits[below(std::size(limits))]);
        break;
      }
      case 3:
        bytes.erase(here, end);
        break;
      case 4: {
        const Bytes piece(here, end);
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size())), piece.begin(), piece.end());
        break;
      }
      case 5:
        bytes.resize(at);
        break;
      default:
        if (other.empty()) break;
        const std::size_t from = below(other.size()), count = std::min<std::size_t>(1 + below(60), other.size() - from);
        const auto piece = other.begin() + static_cast<std::ptrdiff_t>(from);
        bytes.insert(here, piece, piece + static_cast<std::ptrdiff_t>(count));
    }
  }
  return bytes;
}

/// Whether the target takes it or refuses it as it should.
bool holds(const Target& target, const Bytes& input, std::size_t& refused) {
  // A sanitizer ends the process at once; the input must be there then.
  static const char* const keep = std::getenv("SACCADE_FUZZ_KEEP");
  if (keep) write(keep, input);
  std::string why;
  try {
    target.read(input);
    return true;
  } catch (const InputError&) {
    ++refused;
    return true;
  } catch (const Broken& broken) {
    why = broken.what;
  } catch (const std::exception& error) {
    why = error.what();
  }
  const std::string file = "found-" + target.name;
  write(file, input);
  std::fprintf(stderr, "%s: %s; the input is in %s\n", target.name.c_str(), why.c_str(), file.c_str());
  return false;
}

bool run(const Target& target, std::size_t mutations, std::uint64_t seed) {
  const std::vector<Bytes> inputs = inputs_of(target);
  std::size_t refused = 0;
  for (const Bytes& input : inputs)
    if (!holds(target, input, refused)) return false;
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < mutations; ++i) {
    const Bytes& other = inputs[random() % inputs.size()];
    if (!holds(target, mutated(inputs[random() % inputs.size()], other, random), refused)) {
      std::fprintf(stderr, "mutation %zu of seed %llu\n", i, static_cast<unsigned long long>(seed));
      return false;
    }
  }
  std::printf("%-12s %6zu inputs, %zu refused\n", target.name.c_str(), inputs.size() + mutations, refused);
  return refused > 0 || mutations == 0;  // a reader that refuses nothing reads nothing
}

}  // namespace
}  // namespace saccade::fuzz

int main(int argc, char** argv) {
  using namespace saccade::fuzz;
  std::size_t mutations = 5000;
  std::uint64_t seed = 1;
  std::string corpus;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--") && i + 1 == argc) return 2;
    if (argument == "--mutations")
      mutations = std::strtoull(argv[++i], nullptr, 10);
    else if (argument == "--seed")
      seed = std::strtoull(argv[++i], nullptr, 10);
    else if (argument == "--write-corpus")
      corpus = argv[++i];
    else
      names.push_back(argument);
  }
  bool good = true, any = false;
  for (const Target& target : all_targets()) {
    if (!names.empty() && std::find(names.begin(), names.end(), target.name) == names.end()) continue;
    any = true;
    if (corpus.empty()) {
      good = run(target, mutations, seed) && good;
      continue;
    }
    fs::create_directories(fs::path(corpus) / target.name);
    int number = 0;
    for (const Bytes& input : inputs_of(target))
      write(fs::path(corpus) / target.name / std::to_string(number++), input);
  }
  return good && any ? 0 : 1;
}
