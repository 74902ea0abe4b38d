#include "tools/report/plot_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/report/html.h"
#include "tools/report/plot.h"

namespace saccade {

std::vector<double> round_ticks(double low, double high, int count) {
  if (!std::isfinite(low) || !std::isfinite(high)) return {0, 1};
  if (low > high) std::swap(low, high);
  if (!(high - low > 1e-12 * std::max(std::abs(low), std::abs(high)))) {
    const double spread = low == 0 ? 1 : 0.5 * std::abs(low);
    low -= low >= 0 ? std::min(low, spread) : spread;
    high += spread;
  }
  const double raw = high / count - low / count;  // the difference itself may overflow
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double mantissa = raw / power;
  const double step = (mantissa < 1.5 ? 1 : mantissa < 3.5 ? 2 : mantissa < 7.5 ? 5 : 10) * power;
  const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
  if (!(step > 0) || !std::isfinite(step) || last - first > 1000) return {low, high};
  std::vector<double> ticks;
  for (double i = first; i <= last; ++i) ticks.push_back(i * step);
  return ticks;
}

std::string tick_text(double value, double step) {
  if (std::abs(value) < 1e-9 * step) return "0";
  if (step >= 1e5) return std::abs(value) >= 1e9 ? fmt::format("{:.3g}", value) : fmt::format("{:g} M", value / 1e6);
  if (step >= 500) return fmt::format("{:g} k", value / 1e3);
  if (step < 1e-4) return fmt::format("{:.1e}", value);
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return fmt::format("{:.{}f}", value, decimals);
}

namespace plot {

double text_width(const std::string& text) {
  // Count characters, not bytes: continuation bytes of UTF-8 take no room.
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return 6.1 * static_cast<double>(characters);
}

Frame::Frame(int width, int height, const std::string& title, const std::vector<LegendEntry>& legend)
    : width_(width), height_(height), title_(title) {
  right = width - 22;
  bottom = height - 40;
  top = 26;
  text(left, 15, "title", title);
  draw_legend(legend);
  top += 8;
}

void Frame::draw_legend(const std::vector<LegendEntry>& legend) {
  double at = left;
  for (const LegendEntry& entry : legend) {
    const double wide = 22 + text_width(entry.name) + 12;
    if (at > left && at + wide > right) at = left, top += 15;
    const double middle = top + 5;
    if (entry.block)
      add(fmt::format("<rect class=\"f{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"14\" height=\"10\"/>", entry.colour, at,
                      middle - 5));
    else
      add(fmt::format("<path class=\"line c{}{}\" d=\"M{:.1f} {:.1f}h17\"/>", entry.colour, entry.dashed ? " dash" : "",
                      at, middle));
    text(at + 22, middle + 4, "", entry.name);
    at += wide;
  }
  if (!legend.empty()) top += 14;
}

void Frame::set_y(double low, double high, const std::string& label) {
  y_ticks_ = round_ticks(low, high, 5);
  y_low_ = y_ticks_.front();
  y_high_ = y_ticks_.back();
  y_step_ = y_ticks_[1] - y_ticks_[0];
  y_label_ = label;
}

void Frame::set_x(double low, double high, const std::string& label, bool whole) {
  // The data fill the width: ticks outside of them are dropped rather than the range widened.
  if (!std::isfinite(low) || !std::isfinite(high)) low = 0, high = 1;
  if (!(high > low)) high = low + std::max(1.0, std::abs(low));
  x_low_ = low;
  x_high_ = high;
  x_label_ = label;
  x_ticks_ = round_ticks(low, high, 5);
  x_step_ = x_ticks_[1] - x_ticks_[0];
  if (whole) x_step_ = std::max(1.0, x_step_);
  std::erase_if(x_ticks_, [&](double tick) {
    return tick < low || tick > high || (whole && std::abs(tick - std::round(tick)) > 1e-9);
  });
}

void Frame::draw_y_axis() {
  for (double tick : y_ticks_) {
    add(fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", left, y(tick), right));
    text(left - 6, y(tick) + 4, "end", tick_text(tick, y_step_));
  }
  const double middle = (top + bottom) / 2;
  text(12, middle, "middle label", y_label_, fmt::format(" transform=\"rotate(-90 12 {:.1f})\"", middle));
}

void Frame::draw_x_axis() {
  add(fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", left, bottom, right));
  for (double tick : x_ticks_) {
    add(fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}v4\"/>", x(tick), bottom));
    text(x(tick), bottom + 16, "middle", tick_text(tick, x_step_));
  }
  text((left + right) / 2, bottom + 33, "middle label", x_label_);
}

void Frame::text(double at_x, double at_y, const char* classes, const std::string& content,
                 const std::string& attributes) {
  if (!content.empty())
    add(fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\"{}>{}</text>", classes, at_x, at_y, attributes,
                    escape_html(content)));
}

std::string Frame::finish() const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 {} {}\" role=\"img\" "
      "aria-label=\"{}\">{}</svg>\n",
      width_, height_, escape_html(title_), body_);
}

}  // namespace plot
}  // namespace saccade
