#include "memory/trace.h"

#include <fmt/format.h>

#include "engine/elementary.h"
#include "engine/error.h"

namespace saccade {
namespace {

class WindowTrace final : public TraceModel {
 public:
  std::string name() const override { return "window"; }
  float strength(Time) const override { return 1.0f; }
};

class ExponentialTrace final : public TraceModel {
 public:
  explicit ExponentialTrace(double time) : time_(time) {}
  std::string name() const override { return "exponential"; }
  float strength(Time age) const override { return static_cast<float>(own_exp(-to_seconds(age) / time_)); }

 private:
  double time_;
};

class SynapticTrace final : public TraceModel {
 public:
  SynapticTrace(const TraceOptions& options, bool to_peak) : options_(options) {
    for (int spike = 0; spike < options.burst; ++spike) {
      if (spike > 0) loaded_ = after(1 / options.burst_rate);
      loaded_.u += options.utilisation * (1 - loaded_.u);
      loaded_.x -= loaded_.u * loaded_.x;
    }
    if (loaded_.efficacy() < 1e-6)
      throw InputError(
          fmt::format("memory.burst = {}: such a burst leaves no resources in the synapse (u x = {:.2g}); expected "
                      "fewer spikes, a lower memory.burst_rate, or another memory.utilisation or memory.recovery_time",
                      options.burst, loaded_.efficacy()));
    unit_ = to_peak ? peak() : loaded_.efficacy();
  }
  std::string name() const override { return options_.name; }
  float strength(Time age) const override { return static_cast<float>(after(to_seconds(age)).efficacy() / unit_); }

 private:
  struct Synapse {
    double u, x;
    double efficacy() const { return u * x; }
  };
  Synapse after(double seconds) const {
    return {options_.utilisation + (loaded_.u - options_.utilisation) * own_exp(-seconds / options_.facilitation_time),
            1 - (1 - loaded_.x) * own_exp(-seconds / options_.recovery_time)};
  }

  /// u' x + u x' = 0 is A exp(t / tau_F) + B = C exp(t / tau_D) with A, B, C >= 0: with tau_D <= tau_F the efficacy
  /// rises up to one time and falls from there on.
  double peak() const {
    if (options_.recovery_time > options_.facilitation_time)
      throw InputError(fmt::format(
          "memory.trace = \"synaptic-peak\": memory.recovery_time is {} s, expected at most "
          "memory.facilitation_time, {} s: resources that recover later than facilitation ends have no peak",
          options_.recovery_time, options_.facilitation_time));
    double rising = 0, falling = 50 * options_.facilitation_time;
    for (int i = 0; i < 100; ++i) {
      const double middle = (rising + falling) / 2;
      const Synapse s = after(middle);
      const double slope =
          (options_.utilisation - s.u) / options_.facilitation_time * s.x + s.u * (1 - s.x) / options_.recovery_time;
      (slope > 0 ? rising : falling) = middle;
    }
    return after(rising).efficacy();
  }

  TraceOptions options_;
  Synapse loaded_{options_.utilisation, 1};
  double unit_ = 1;
};

void check_positive(const char* key, double value, double most, const char* unit) {
  if (!(value > 0 && value <= most))
    throw InputError(fmt::format("{} is {}{}, expected above 0 and at most {}", key, value, unit, most));
}

}  // namespace

std::unique_ptr<TraceModel> make_trace(const TraceOptions& options) {
  check_positive("memory.trace_time", options.time, latest_second, " s");
  check_positive("memory.facilitation_time", options.facilitation_time, latest_second, " s");
  check_positive("memory.recovery_time", options.recovery_time, latest_second, " s");
  check_positive("memory.utilisation", options.utilisation, 1, "");
  check_positive("memory.burst_rate", options.burst_rate, 1e6, " Hz");
  if (options.burst < 1 || options.burst > 1000)
    throw InputError(fmt::format("memory.burst is {} spikes, expected 1 to 1000", options.burst));
  if (options.name == "window") return std::make_unique<WindowTrace>();
  if (options.name == "exponential") return std::make_unique<ExponentialTrace>(options.time);
  if (options.name == "synaptic") return std::make_unique<SynapticTrace>(options, false);
  if (options.name == "synaptic-peak") return std::make_unique<SynapticTrace>(options, true);
  throw InputError("memory.trace: no trace is called \"" + options.name +
                   "\"; known are window, exponential, synaptic and synaptic-peak");
}

}  // namespace saccade
