#include "memory/trace.h"

#include "engine/error.h"

namespace saccade {
namespace {

class WindowTrace final : public TraceModel {
 public:
  std::string name() const override { return "window"; }
  float strength(Time) const override { return 1.0f; }
};

}  // namespace

std::unique_ptr<TraceModel> make_trace(const std::string& name) {
  if (name == "window") return std::make_unique<WindowTrace>();
  throw InputError("memory.trace: no trace is called \"" + name + "\"; known is window");
}

}  // namespace saccade
