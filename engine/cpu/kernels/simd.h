#pragma once
#include <cstddef>
#include <cstdint>

#if !defined(SACCADE_ISA_portable)
#include <immintrin.h>
#endif

/// Sixteen float lanes on every instruction set. All operations are exact IEEE operations lane by lane, with explicit
/// fused multiply-add, and sums over lanes follow one tree, so AVX-512 and AVX2 give the same bits. The portable
/// variant has no fused multiply-add and may differ from them.
///
/// Kernel sources are compiled once per instruction set: everything lives in a namespace named after it, and nothing
/// from the standard library that could be inlined with one set's instructions and linked into another's code is used.
#define SACCADE_INLINE __attribute__((always_inline)) inline

namespace saccade::cpu::SACCADE_ISA {

/// Asks for a cache line that will be read soon, in the core's second cache.
SACCADE_INLINE void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }

#if defined(SACCADE_ISA_avx512)

struct V16 {
  __m512 v;
};
SACCADE_INLINE V16 zero() { return {_mm512_setzero_ps()}; }
SACCADE_INLINE V16 load(const float* p) { return {_mm512_loadu_ps(p)}; }
SACCADE_INLINE void store(float* p, V16 a) { _mm512_storeu_ps(p, a.v); }
SACCADE_INLINE V16 broadcast(float s) { return {_mm512_set1_ps(s)}; }
SACCADE_INLINE V16 fma(V16 a, V16 b, V16 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
SACCADE_INLINE V16 add(V16 a, V16 b) { return {_mm512_add_ps(a.v, b.v)}; }
SACCADE_INLINE V16 sub(V16 a, V16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
SACCADE_INLINE V16 mul(V16 a, V16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
SACCADE_INLINE V16 div(V16 a, V16 b) { return {_mm512_div_ps(a.v, b.v)}; }
SACCADE_INLINE V16 sqrt(V16 a) { return {_mm512_sqrt_ps(a.v)}; }
/// Of a NaN and a number, the second operand: clip(x) = max(low, min(high, x)) keeps NaN.
SACCADE_INLINE V16 min(V16 a, V16 b) { return {_mm512_min_ps(a.v, b.v)}; }
SACCADE_INLINE V16 max(V16 a, V16 b) { return {_mm512_max_ps(a.v, b.v)}; }
/// a > b ? yes : no.
SACCADE_INLINE V16 if_greater(V16 a, V16 b, V16 yes, V16 no) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ), no.v, yes.v)};
}
SACCADE_INLINE V16 round_to_integer(V16 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
/// 2^n for integral n in [-126, 127].
SACCADE_INLINE V16 exponential_of_two(V16 n) {
  return {
      _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127)), 23))};
}
SACCADE_INLINE V16 absolute(V16 a) { return {_mm512_abs_ps(a.v)}; }
/// Lanes hold 0..255.
SACCADE_INLINE void store_bytes(std::uint8_t* p, V16 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a.v)));
}
/// parts[i] = a in lanes whose byte is i, else 0.
SACCADE_INLINE void where_byte_is(const std::uint8_t* p, V16 a, V16 (&parts)[4]) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i)
    parts[i] = {_mm512_maskz_mov_ps(_mm_cmpeq_epi8_mask(bytes, _mm_set1_epi8(static_cast<char>(i))), a.v)};
}
SACCADE_INLINE __m256 fold_to_8(V16 a) {
  return _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a.v), 1)));
}

#elif defined(SACCADE_ISA_avx2)

struct V16 {
  __m256 lo, hi;
};
SACCADE_INLINE V16 zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
SACCADE_INLINE V16 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
SACCADE_INLINE void store(float* p, V16 a) { _mm256_storeu_ps(p, a.lo), _mm256_storeu_ps(p + 8, a.hi); }
SACCADE_INLINE V16 broadcast(float s) { return {_mm256_set1_ps(s), _mm256_set1_ps(s)}; }
SACCADE_INLINE V16 fma(V16 a, V16 b, V16 c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
SACCADE_INLINE V16 add(V16 a, V16 b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
SACCADE_INLINE V16 sub(V16 a, V16 b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
SACCADE_INLINE V16 mul(V16 a, V16 b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
SACCADE_INLINE V16 div(V16 a, V16 b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
SACCADE_INLINE V16 sqrt(V16 a) { return {_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)}; }
SACCADE_INLINE V16 min(V16 a, V16 b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
SACCADE_INLINE V16 max(V16 a, V16 b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
SACCADE_INLINE V16 if_greater(V16 a, V16 b, V16 yes, V16 no) {
  return {_mm256_blendv_ps(no.lo, yes.lo, _mm256_cmp_ps(a.lo, b.lo, _CMP_GT_OQ)),
          _mm256_blendv_ps(no.hi, yes.hi, _mm256_cmp_ps(a.hi, b.hi, _CMP_GT_OQ))};
}
SACCADE_INLINE V16 round_to_integer(V16 a) {
  return {_mm256_round_ps(a.lo, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
          _mm256_round_ps(a.hi, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
SACCADE_INLINE __m256 exponential_of_two_8(__m256 n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}
SACCADE_INLINE V16 exponential_of_two(V16 n) { return {exponential_of_two_8(n.lo), exponential_of_two_8(n.hi)}; }
SACCADE_INLINE V16 absolute(V16 a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}
SACCADE_INLINE void store_bytes(std::uint8_t* p, V16 a) {
  const __m256i lo = _mm256_cvtps_epi32(a.lo), hi = _mm256_cvtps_epi32(a.hi);
  const __m128i first = _mm_packus_epi32(_mm256_castsi256_si128(lo), _mm256_extracti128_si256(lo, 1));
  const __m128i second = _mm_packus_epi32(_mm256_castsi256_si128(hi), _mm256_extracti128_si256(hi, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(first, second));
}
SACCADE_INLINE void where_byte_is(const std::uint8_t* p, V16 a, V16 (&parts)[4]) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m256i lo = _mm256_cvtepu8_epi32(bytes), hi = _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8));
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m256i value = _mm256_set1_epi32(i);
    parts[i] = {_mm256_and_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(lo, value)), a.lo),
                _mm256_and_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(hi, value)), a.hi)};
  }
}
SACCADE_INLINE __m256 fold_to_8(V16 a) { return _mm256_add_ps(a.lo, a.hi); }

#else

/// Four of the vectors that every machine has; a compiler without them makes them of single numbers.
typedef float Four __attribute__((vector_size(16)));
typedef std::int32_t FourIntegers __attribute__((vector_size(16)));
struct V16 {
  Four v[4];
};
#define SACCADE_FOURS(expression)                    \
  V16 r;                                             \
  for (int i = 0; i < 4; ++i) r.v[i] = (expression); \
  return r
#define SACCADE_LANES(expression)                         \
  V16 r;                                                  \
  for (int i = 0; i < 4; ++i)                             \
    for (int j = 0; j < 4; ++j) r.v[i][j] = (expression); \
  return r
SACCADE_INLINE V16 zero() { return {}; }
SACCADE_INLINE V16 load(const float* p) {
  V16 r;
  __builtin_memcpy(r.v, p, sizeof r.v);
  return r;
}
SACCADE_INLINE void store(float* p, V16 a) { __builtin_memcpy(p, a.v, sizeof a.v); }
SACCADE_INLINE V16 broadcast(float s) { SACCADE_FOURS((Four{s, s, s, s})); }
SACCADE_INLINE V16 fma(V16 a, V16 b, V16 c) { SACCADE_FOURS(a.v[i] * b.v[i] + c.v[i]); }
SACCADE_INLINE V16 add(V16 a, V16 b) { SACCADE_FOURS(a.v[i] + b.v[i]); }
SACCADE_INLINE V16 sub(V16 a, V16 b) { SACCADE_FOURS(a.v[i] - b.v[i]); }
SACCADE_INLINE V16 mul(V16 a, V16 b) { SACCADE_FOURS(a.v[i] * b.v[i]); }
SACCADE_INLINE V16 div(V16 a, V16 b) { SACCADE_FOURS(a.v[i] / b.v[i]); }
SACCADE_INLINE V16 sqrt(V16 a) { SACCADE_LANES(__builtin_sqrtf(a.v[i][j])); }
SACCADE_INLINE V16 min(V16 a, V16 b) { SACCADE_FOURS(a.v[i] < b.v[i] ? a.v[i] : b.v[i]); }
SACCADE_INLINE V16 max(V16 a, V16 b) { SACCADE_FOURS(a.v[i] > b.v[i] ? a.v[i] : b.v[i]); }
SACCADE_INLINE V16 if_greater(V16 a, V16 b, V16 yes, V16 no) { SACCADE_FOURS(a.v[i] > b.v[i] ? yes.v[i] : no.v[i]); }
SACCADE_INLINE V16 round_to_integer(V16 a) { SACCADE_LANES(__builtin_rintf(a.v[i][j])); }
SACCADE_INLINE V16 exponential_of_two(V16 n) {
  SACCADE_FOURS((Four)((__builtin_convertvector(n.v[i], FourIntegers) + 127) << 23));
}
SACCADE_INLINE V16 absolute(V16 a) { SACCADE_FOURS((Four)((FourIntegers)a.v[i] & 0x7fffffff)); }
SACCADE_INLINE void store_bytes(std::uint8_t* p, V16 a) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<std::uint8_t>(a.v[i / 4][i % 4]);
}
SACCADE_INLINE void where_byte_is(const std::uint8_t* p, V16 a, V16 (&parts)[4]) {
  for (int i = 0; i < 4; ++i) {
    const FourIntegers bytes = {p[4 * i], p[4 * i + 1], p[4 * i + 2], p[4 * i + 3]};
    for (int part = 0; part < 4; ++part) parts[part].v[i] = bytes == part ? a.v[i] : Four{};
  }
}
#undef SACCADE_FOURS
#undef SACCADE_LANES

#endif

/// The first `count` lanes, then zeros; nothing beyond them is read.
SACCADE_INLINE V16 load_first(const float* p, std::size_t count) {
  float lanes[16] = {};
  for (std::size_t i = 0; i < count; ++i) lanes[i] = p[i];
  return load(lanes);
}

/// Sum over lanes by the tree i + (i + 8), then + 4, + 2, + 1.
SACCADE_INLINE float sum(V16 a) {
#if defined(SACCADE_ISA_portable)
  const Four four = (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]);
  return (four[0] + four[2]) + (four[1] + four[3]);
#else
  const __m256 eight = fold_to_8(a);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
#endif
}

/// Lane i = sum(a[i]), by the same tree: each step folds two vectors into one.
SACCADE_INLINE V16 sums(const V16 (&a)[16]) {
#if defined(SACCADE_ISA_avx512)
  const auto fold = [](__m512 x, __m512 y) __attribute__((always_inline)) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(x, y, 0x44), _mm512_shuffle_f32x4(x, y, 0xee));
  };
  __m512 four[4];  // four[j]: lanes j, j + 4, j + 8, j + 12, four terms each
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m512 x = fold(a[j].v, a[j + 4].v), y = fold(a[j + 8].v, a[j + 12].v);
    four[j] = _mm512_add_ps(_mm512_shuffle_f32x4(x, y, 0x88), _mm512_shuffle_f32x4(x, y, 0xdd));
  }
  const auto halve = [](__m512 x, __m512 y) __attribute__((always_inline)) {
    const __m512d p = _mm512_castps_pd(x), q = _mm512_castps_pd(y);
    return _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(p, q)), _mm512_castpd_ps(_mm512_unpackhi_pd(p, q)));
  };
  const __m512 x = halve(four[0], four[1]), y = halve(four[2], four[3]);
  return {_mm512_add_ps(_mm512_shuffle_ps(x, y, 0x88), _mm512_shuffle_ps(x, y, 0xdd))};
#else
  float lanes[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) lanes[i] = sum(a[i]);
  return load(lanes);
#endif
}

/// -1, 0 or 1; sgn(0) = 0, and 0 for NaN.
SACCADE_INLINE V16 sign(V16 a) {
  return if_greater(a, zero(), broadcast(1), if_greater(zero(), a, broadcast(-1), zero()));
}

}  // namespace saccade::cpu::SACCADE_ISA
