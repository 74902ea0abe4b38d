#pragma once
#include <cstdint>
#include <functional>
#include <vector>

/// t-SNE (van der Maaten and Hinton 2008), exact: every pair of points counts, so that memory and the time of a step
/// grow with the square of their number. In double; the same bits on any number of threads.
namespace saccade {

/// n points of `dimensions` numbers each, row after row.
struct Points {
  std::size_t count = 0, dimensions = 0;
  std::vector<double> values;  ///< [count][dimensions]
};

struct TsneOptions {
  double perplexity = 30;   ///< effective number of neighbours; below count / 3
  int iterations = 1000;    ///< the rest are the article's values
  double exaggeration = 4;  ///< of the affinities in the first steps, section 3.4
  int exaggerated_until = 50;
  double rate = 100;
  double early_momentum = 0.5, late_momentum = 0.8;
  int late_from = 250;
  std::uint64_t seed = 1;
};

inline constexpr std::size_t most_tsne_points = 2000;

/// p(j|i), eq. 1, row i with its own width, found by bisection, so that the row's perplexity is as asked; rows sum to
/// 1, the diagonal is 0. [count][count].
std::vector<double> conditional_affinities(const Points& points, double perplexity);

/// p(i,j) = (p(j|i) + p(i|j)) / 2n: sums to 1.
std::vector<double> joint_affinities(const std::vector<double>& conditional, std::size_t count);

/// Kullback-Leibler divergence of the layout's affinities (Student t, eq. 4) from `joint`; `layout` is [count][2].
double tsne_cost(const std::vector<double>& joint, const std::vector<double>& layout);

/// Its gradient, eq. 5, [count][2], with `joint` multiplied by `exaggeration`.
void tsne_gradient(const std::vector<double>& joint, const std::vector<double>& layout, std::vector<double>& gradient,
                   double exaggeration = 1);

/// The layout, [count][2]. `stop` is asked before every step: an empty layout when it said so. `progress` gets the
/// number of steps done. InputError when there are more than most_tsne_points, fewer than four, or too few for the
/// perplexity.
std::vector<double> tsne(const Points& points, const TsneOptions& options, const std::function<bool()>& stop = {},
                         const std::function<void(int)>& progress = {});

}  // namespace saccade
