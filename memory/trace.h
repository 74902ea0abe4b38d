#pragma once
#include <memory>
#include <string>

#include "engine/time.h"

namespace saccade {

/// What becomes of a remembered embedding with age (method.md, section 6). Reading a trace never changes what is
/// stored.
class TraceModel {
 public:
  virtual ~TraceModel() = default;
  virtual std::string name() const = 0;
  /// Strength in [0, 1] of a trace that was stored `age` ticks ago; 1 at age 0.
  virtual float strength(Time age) const = 0;
};

/// "window": unchanged until the memory lets the anchor go. InputError for an unknown name.
std::unique_ptr<TraceModel> make_trace(const std::string& name);

}  // namespace saccade
