#pragma once
#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/device_buffer.h"
#include "tests/reference/tensors.h"

/// Between logical tensors and the device layouts of engine/shapes.h.
namespace saccade::reference {

/// Calls visit(position in the layout, index in the logical tensor) for every element that means something; what it
/// does not visit is padding.
template <class Visit>
void visit_map(const MapShape& s, const Images& x, Visit visit) {
  for (int i = 0; i < x.n; ++i)
    for (int c = 0; c < x.c; ++c)
      for (int y = 0; y < x.h; ++y)
        for (int col = 0; col < x.w; ++col)
          visit(static_cast<std::size_t>(i) * s.size() +
                    ((static_cast<std::size_t>(y) + s.border) * (s.width + 2 * s.border) + col + s.border) * s.lanes +
                    c,
                x.index(i, c, y, col));
}

template <class Visit>
void visit_conv(const ConvShape& s, const ConvWeights& w, Visit visit) {
  const auto lanes = static_cast<std::size_t>(s.in.lanes);
  for (int k = 0; k < w.k; ++k)
    for (int c = 0; c < w.c; ++c)
      for (int tap = 0; tap < 9; ++tap) {
        const std::size_t logical = w.index(k, c, tap / 3, tap % 3);
        if (!s.local()) visit((static_cast<std::size_t>(k) * 9 + tap) * lanes + c, logical);
        for (int position = 0; position < w.h * w.w; ++position)
          visit((((static_cast<std::size_t>(position) * (s.out.lanes / 16) + k / 16) * 9 + tap) * lanes + c) * 16 +
                    k % 16,
                static_cast<std::size_t>(position) * w.k * w.c * 9 + logical);
      }
}

/// Logical head features are (c, h, w), stored ones (h, w, c).
template <class Visit>
void visit_head(const HeadShape& s, const Matrix& w, Visit visit) {
  for (int c = 0; c < s.in.channels; ++c)
    for (int y = 0; y < s.in.height; ++y)
      for (int x = 0; x < s.in.width; ++x)
        for (int e = 0; e < s.embedding; ++e)
          visit(((static_cast<std::size_t>(y) * s.in.width + x) * s.in.channels + c) * s.lanes() + e,
                static_cast<std::size_t>(e) * w.columns + (static_cast<std::size_t>(c) * s.in.height + y) * s.in.width +
                    x);
}

template <class Visit>
void visit_rows(int lanes, const Matrix& m, Visit visit) {
  for (int r = 0; r < m.rows; ++r)
    for (int e = 0; e < m.columns; ++e)
      visit(static_cast<std::size_t>(r) * lanes + e, static_cast<std::size_t>(r) * m.columns + e);
}

// One overload of visit, layout_size per kind of shape lets the three functions below serve all tensors.
struct RowShape {
  int lanes = 0;
};
template <class V>
void visit(const MapShape& s, const Images& t, V v) {
  visit_map(s, t, v);
}
template <class V>
void visit(const ConvShape& s, const ConvWeights& t, V v) {
  visit_conv(s, t, v);
}
template <class V>
void visit(const HeadShape& s, const Matrix& t, V v) {
  visit_head(s, t, v);
}
template <class V>
void visit(const RowShape& s, const Matrix& t, V v) {
  visit_rows(s.lanes, t, v);
}
inline std::size_t layout_size(const MapShape& s, const Images& t) { return s.size() * t.n; }
inline std::size_t layout_size(const ConvShape& s, const ConvWeights&) { return s.weights(); }
inline std::size_t layout_size(const HeadShape& s, const Matrix&) { return s.weights(); }
inline std::size_t layout_size(const RowShape& s, const Matrix& t) {
  return static_cast<std::size_t>(s.lanes) * t.rows;
}

/// One tensor per replica, one after the other; padding is zero.
template <class Shape, class Tensor>
std::vector<float> to_layout(const Shape& shape, const std::vector<Tensor>& replicas) {
  std::vector<float> host;
  for (const Tensor& t : replicas) {
    const std::size_t start = host.size();
    host.resize(start + layout_size(shape, t), 0.0f);
    visit(shape, t, [&](std::size_t to, std::size_t from) { host[start + to] = static_cast<float>(t.v[from]); });
  }
  return host;
}

/// Replica r of a layout; `like` gives the logical shape.
template <class Shape, class Tensor>
std::vector<double> from_layout(const Shape& shape, const std::vector<float>& host, int r, const Tensor& like) {
  const std::size_t start = layout_size(shape, like) * r;
  if (host.size() < start + layout_size(shape, like)) throw std::logic_error("from_layout: layout too small");
  std::vector<double> v(like.v.size());
  visit(shape, like, [&](std::size_t from, std::size_t to) { v[to] = static_cast<double>(host[start + from]); });
  return v;
}

/// Borders and padding lanes of every replica are exactly zero (NaN is not).
template <class Shape, class Tensor>
bool padding_is_zero(const Shape& shape, const std::vector<float>& host, const Tensor& like) {
  std::vector<char> meant(layout_size(shape, like), 0);
  visit(shape, like, [&](std::size_t i, std::size_t) { meant[i] = 1; });
  for (std::size_t i = 0; i < host.size(); ++i)
    if (meant[i % meant.size()] == 0 && !(host[i] == 0.0f)) return false;
  return true;
}

/// A layout in which every meaningful element is junk and padding is zero: outputs start as this, to see them
/// overwritten.
template <class Shape, class Tensor>
std::vector<float> junk(const Shape& shape, const Tensor& like, int replicas) {
  Tensor t = like;
  t.v.assign(t.v.size(), 777.0);
  return to_layout(shape, std::vector<Tensor>(static_cast<std::size_t>(replicas), t));
}

/// [n][out.height][out.width][out.lanes] bytes per replica, from winners indexed like `out`.
inline std::vector<std::uint8_t> winners_to_layout(const ConvShape& s,
                                                   const std::vector<std::vector<std::uint8_t>>& replicas,
                                                   const Images& out) {
  const MapShape bytes{s.out.height, s.out.width, s.out.channels, s.out.lanes, 0};
  std::vector<std::uint8_t> host(bytes.size() * out.n * replicas.size(), 0);
  for (std::size_t r = 0; r < replicas.size(); ++r)
    visit_map(bytes, out,
              [&](std::size_t to, std::size_t from) { host[r * bytes.size() * out.n + to] = replicas[r][from]; });
  return host;
}

inline std::vector<std::uint8_t> winners_from_layout(const ConvShape& s, const std::vector<std::uint8_t>& host, int r,
                                                     const Images& out) {
  const MapShape bytes{s.out.height, s.out.width, s.out.channels, s.out.lanes, 0};
  std::vector<std::uint8_t> winners(out.v.size());
  visit_map(bytes, out, [&](std::size_t from, std::size_t to) { winners[to] = host[r * bytes.size() * out.n + from]; });
  return winners;
}

/// Device memory [replicas][views][size] with sentinels before, between and after the views: NaN for floats, so that a
/// value read from outside spoils the result, and a pattern otherwise. Gaps keep the alignment that DeviceBuffer gives.
template <class T>
class Guarded {
 public:
  static constexpr std::size_t gap = 64;

  Guarded(Device& device, std::size_t size, int replicas = 1, int views = 1)
      : size_(size), replicas_(replicas), views_(views), memory_(device, gap + (size + gap) * replicas * views) {
    std::memset(static_cast<void*>(&sentinel_), 0xa5, sizeof sentinel_);
    if constexpr (std::is_same_v<T, float>) sentinel_ = std::bit_cast<float>(0x7fc0dead);
    write(std::vector<T>(size * replicas * views));
  }
  Guarded(Device& device, std::size_t size, int replicas, int views, const std::vector<T>& host)
      : Guarded(device, size, replicas, views) {
    write(host);
  }

  Strided<T> strided(int first = 0) const {
    const auto view = static_cast<std::ptrdiff_t>(size_ + gap);
    return {memory_.data() + gap + first * view, view * views_, view};
  }
  /// One per replica, shared by all views.
  Strided<T> shared() const { return {strided().data, strided().replica, 0}; }

  void write(const std::vector<T>& host) {
    if (host.size() != size_ * replicas_ * views_) throw std::logic_error("Guarded::write: wrong size");
    std::vector<T> all(memory_.elements(), sentinel_);
    for (std::size_t i = 0; i < host.size(); ++i) all[place(i)] = host[i];
    memory_.write(all);
  }
  std::vector<T> read() const {
    const std::vector<T> all = memory_.read();
    std::vector<T> host(size_ * replicas_ * views_);
    for (std::size_t i = 0; i < host.size(); ++i) host[i] = all[place(i)];
    return host;
  }
  /// No sentinel was overwritten.
  bool intact() const {
    const std::vector<T> all = memory_.read();
    std::vector<char> own(all.size(), 0);
    for (std::size_t i = 0; i < size_ * replicas_ * views_; ++i) own[place(i)] = 1;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (own[i] == 0 && std::memcmp(static_cast<const void*>(&all[i]), &sentinel_, sizeof(T)) != 0) return false;
    return true;
  }

 private:
  std::size_t place(std::size_t i) const { return gap + i / size_ * (size_ + gap) + i % size_; }

  std::size_t size_;
  int replicas_, views_;
  DeviceBuffer<T> memory_;
  T sentinel_;
};

}  // namespace saccade::reference
