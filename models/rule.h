#pragma once
#include <string>

namespace saccade {

/// How an error finds its way back (method.md, section 5), as properties of the synapses that carry it.
struct Rule {
  std::string name = "bp";
  bool own_feedback = false;     ///< random feedback weights of their own carry the error; else the forward weights do
  bool feedback_learns = false;  ///< they receive the increments of the forward weights
  bool sign_only = false;        ///< only the signs of the carrying weights count
  bool targets = false;          ///< no error is carried: targets come down instead (models/target_propagation.h)
};

/// bp: transposed forward weights, eq. 9. rf: fixed random feedback, eq. 10 (Lillicrap et al. 2016). urf: random
/// feedback that receives the same increments (Amit 2019). sign: the signs of urf's feedback. sign-forward: the signs
/// of the forward weights (Liao, Leibo and Poggio 2016). dtp: difference target propagation (Lee et al. 2015); its
/// feedback weights are no part of Parameters. InputError for another name.
Rule make_rule(const std::string& name);

}  // namespace saccade
