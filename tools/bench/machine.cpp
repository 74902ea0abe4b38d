#include "tools/bench/machine.h"

#include <immintrin.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <map>
#include <numeric>
#include <thread>
#include <utility>

namespace saccade::bench {
namespace {

bool cuda_chosen = false;

/// A function's own, so that it is there before any file's Benchmarks.
std::vector<void (*)()>& additions() {
  static std::vector<void (*)()> all;
  return all;
}

using Clock = std::chrono::steady_clock;

/// Seconds from the first thread's start to the last one's end; all start together.
template <class Work>
double seconds_together(int threads, const Work& work) {
  std::vector<Clock::time_point> begin(static_cast<std::size_t>(threads)), end(begin);
  std::barrier ready(threads);
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < begin.size(); ++i)
      workers.emplace_back([&, i] {
        ready.arrive_and_wait();
        begin[i] = Clock::now();
        work(i);
        end[i] = Clock::now();
      });
  }
  const auto first = *std::min_element(begin.begin(), begin.end()), last = *std::max_element(end.begin(), end.end());
  return std::chrono::duration<double>(last - first).count();
}

/// A result that goes here was not computed in vain.
volatile float sink;

// Each burst keeps as many independent sums as fill the pipelines (latency times ports, and more) and fit the
// registers. It returns its multiply-adds.

__attribute__((target("avx512f"))) double burst_avx512(long steps) {
  constexpr int sums = 24;
  const __m512 factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(0.001f);
  __m512 sum[sums];
  for (int i = 0; i < sums; ++i) sum[i] = _mm512_set1_ps(static_cast<float>(i));
  for (long step = 0; step < steps; ++step)
#pragma GCC unroll 24
    for (int i = 0; i < sums; ++i) sum[i] = _mm512_fmadd_ps(sum[i], factor, term);
  for (int i = 1; i < sums; ++i) sum[0] = _mm512_add_ps(sum[0], sum[i]);
  sink = _mm512_cvtss_f32(sum[0]);
  return static_cast<double>(steps) * sums * 16;
}

__attribute__((target("avx2,fma"))) double burst_avx2(long steps) {
  constexpr int sums = 12;
  const __m256 factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(0.001f);
  __m256 sum[sums];
  for (int i = 0; i < sums; ++i) sum[i] = _mm256_set1_ps(static_cast<float>(i));
  for (long step = 0; step < steps; ++step)
#pragma GCC unroll 12
    for (int i = 0; i < sums; ++i) sum[i] = _mm256_fmadd_ps(sum[i], factor, term);
  for (int i = 1; i < sums; ++i) sum[0] = _mm256_add_ps(sum[0], sum[i]);
  sink = _mm256_cvtss_f32(sum[0]);
  return static_cast<double>(steps) * sums * 8;
}

/// The portable kernels have no fused multiply-add: a product, then a sum.
double burst_portable(long steps) {
  constexpr int sums = 12;
  const __m128 factor = _mm_set1_ps(0.999f), term = _mm_set1_ps(0.001f);
  __m128 sum[sums];
  for (int i = 0; i < sums; ++i) sum[i] = _mm_set1_ps(static_cast<float>(i));
  for (long step = 0; step < steps; ++step)
#pragma GCC unroll 12
    for (int i = 0; i < sums; ++i) sum[i] = _mm_add_ps(_mm_mul_ps(sum[i], factor), term);
  for (int i = 1; i < sums; ++i) sum[0] = _mm_add_ps(sum[0], sum[i]);
  sink = _mm_cvtss_f32(sum[0]);
  return static_cast<double>(steps) * sums * 4;
}

/// The sum of words, as fast as they come: each instruction set's own loads, and enough sums not to wait for one.
__attribute__((target_clones("avx512f", "avx2", "default"))) std::uint64_t sum_of(const std::uint64_t* words,
                                                                                  std::size_t count) {
  constexpr std::size_t sums = 32;
  std::uint64_t sum[sums] = {};
  for (std::size_t i = 0; i + sums <= count; i += sums)
    for (std::size_t j = 0; j < sums; ++j) sum[j] += words[i + j];
  return std::accumulate(sum, sum + sums, std::uint64_t{0});
}

double measure_peak(const std::string& instruction_set, int threads) {
  const auto burst = instruction_set == "avx512" ? burst_avx512
                     : instruction_set == "avx2" ? burst_avx2
                                                 : burst_portable;
  constexpr int bursts = 10;
  constexpr long steps = 3'000'000;  // 10 to 40 ms
  double best = 0;
  std::vector<double> multiply_adds(static_cast<std::size_t>(threads));
  for (int i = 0; i < bursts; ++i) {
    const double seconds = seconds_together(threads, [&](std::size_t thread) { multiply_adds[thread] = burst(steps); });
    best = std::max(best, 2 * threads * multiply_adds[0] / seconds);
  }
  return best;
}

}  // namespace

void choose_cuda() { cuda_chosen = true; }

bool on_cuda() { return cuda_chosen; }

std::unique_ptr<Device> bench_device(int threads) {
  return cuda_chosen ? make_cuda_device() : make_cpu_device(threads);
}

Benchmarks::Benchmarks(void (*add)()) { additions().push_back(add); }

void Benchmarks::add_all() {
  for (const auto add : additions()) add();
}

double peak_flops(const std::string& instruction_set, int threads) {
  static std::map<std::pair<std::string, int>, double> known;
  const auto [place, fresh] = known.try_emplace({instruction_set, threads}, 0.0);
  if (fresh) place->second = measure_peak(instruction_set, threads);
  return place->second;
}

double read_bandwidth(std::size_t bytes, int threads) {
  const std::size_t words = bytes / sizeof(std::uint64_t) / static_cast<std::size_t>(threads);
  const auto device = make_cpu_device(1);
  std::vector<DeviceBuffer<std::uint64_t>> parts;
  for (int i = 0; i < threads; ++i) parts.emplace_back(*device, words);
  constexpr std::size_t least_read = std::size_t{1} << 28;  // a pass over less would be too short to time
  const std::size_t rounds = std::max<std::size_t>(1, least_read / bytes);
  constexpr int passes = 5;
  double best = 0;
  for (int pass = 0; pass < passes; ++pass) {
    const double seconds = seconds_together(threads, [&](std::size_t thread) {
      for (std::size_t round = 0; round < rounds; ++round)
        sink = static_cast<float>(sum_of(parts[thread].data(), words));
    });
    best = std::max(best, static_cast<double>(words * sizeof(std::uint64_t) * rounds) * threads / seconds);
  }
  return best;
}

std::vector<std::int64_t> thread_counts() {
  if (cuda_chosen) return {1};
  const std::int64_t cores = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::int64_t> counts;
  for (std::int64_t count = 1; count < cores; count *= 2) counts.push_back(count);
  counts.push_back(cores);
  return counts;
}

}  // namespace saccade::bench
