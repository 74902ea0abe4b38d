#pragma once
#include <string>
#include <vector>

/// What line plots and bar charts share: title, legend, axes. Internal to tools/plot*.cpp.
namespace saccade::plot {

struct LegendEntry {
  std::string name;
  int colour = 0;
  bool dashed = false, block = false;
};

/// Lays out the title and legend above the plot area and draws axes; x and y map values to pixels.
class Frame {
 public:
  Frame(int width, int height, const std::string& title, const std::vector<LegendEntry>& legend);

  void set_y(double low, double high, const std::string& label);
  void set_x(double low, double high, const std::string& label, bool whole = false);
  /// Draws the ticks and grid of an axis. Set both ranges first.
  void draw_y_axis();
  void draw_x_axis();

  double x(double value) const { return left + (value - x_low_) / (x_high_ - x_low_) * (right - left); }
  double y(double value) const { return bottom - (value - y_low_) / (y_high_ - y_low_) * (bottom - top); }
  double y_low() const { return y_low_; }
  double y_high() const { return y_high_; }

  void add(const std::string& element) { body_ += element; }
  void text(double x, double y, const char* classes, const std::string& text, const std::string& attributes = {});
  /// The finished <svg> element.
  std::string finish() const;

  double left = 52, right = 0, top = 0, bottom = 0;

 private:
  void draw_legend(const std::vector<LegendEntry>& legend);

  int width_, height_;
  std::string title_, x_label_, y_label_, body_;
  double x_low_ = 0, x_high_ = 1, y_low_ = 0, y_high_ = 1, x_step_ = 1, y_step_ = 1;
  std::vector<double> x_ticks_, y_ticks_;
};

inline constexpr int palette_size = 7;
inline constexpr int scatter_colours = 10;  ///< three more, for classes of points
/// Width of a text in the plots' font, about.
double text_width(const std::string& text);

}  // namespace saccade::plot
