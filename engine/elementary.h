#pragma once

/// Elementary functions whose bits we own: the C library's differ between machines and versions, and a run must not.
/// Only +, -, *, / and sqrt of IEEE double precision and integer operations are used, so results are the same for every
/// compiler flag that we build with (-ffp-contract=off, no fast-math). Error against long double: at most 1 unit in the
/// last place of double, 1.5 for tanh. NaN gives NaN; overflow gives infinity, underflow gives 0 or a subnormal.
namespace saccade {

double own_exp(double x);
double own_exp2(double x);
/// x < 0 gives NaN, 0 gives -infinity.
double own_log(double x);
double own_tanh(double x);
/// |x| <= 1e5 (larger arguments lose accuracy in the reduction and are refused with NaN).
double own_sin(double x);
double own_cos(double x);

}  // namespace saccade
