#include "tools/experiment/experiment_keys.h"

#include <limits>
#include <type_traits>

#include "engine/time.h"
#include "engine/view_file.h"
#include "streams/world/world.h"

namespace saccade::keys {
namespace {

using E = Experiment;

constexpr std::int64_t many = 1'000'000'000'000;
constexpr std::int64_t million = 1'000'000;
constexpr double infinite = std::numeric_limits<double>::infinity();

template <class T>
auto of(T E::*member) {
  return [member](E& e) -> T& { return e.*member; };
}
template <class Part, class T>
auto of(Part E::*part, T Part::*member) {
  return [part, member](E& e) -> T& { return e.*part.*member; };
}

template <class F>
Choice choice(F field, std::vector<std::string> words, bool automatic = false) {
  using Enum = std::remove_reference_t<decltype(field(std::declval<E&>()))>;
  return {[field](const E& e) { return static_cast<int>(field(const_cast<E&>(e))); },
          [field](E& e, int word) { field(e) = static_cast<Enum>(word); }, std::move(words), automatic};
}

Integer integer(Field<std::int64_t> field, std::int64_t min, std::int64_t max = many) { return {field, min, max}; }

const std::vector<std::string> data_words{"cifar10", "cifar100", "mnist", "emnist-letters", "fashion-mnist", "stl10",
                                          "folder",  "world",    "none"};
std::vector<std::string> same_or_data() {
  std::vector<std::string> words{"same"};
  words.insert(words.end(), data_words.begin(), data_words.end() - 1);  // all but none
  return words;
}
Real positive(Field<double> field, double max) { return {field, 0, max, true}; }

std::vector<Key> make_table() {
  const std::int64_t largest_seed = std::numeric_limits<std::int64_t>::max();
  return {
      {"seed", integer(of(&E::seed), 0, largest_seed), "", "every random choice follows from it"},
      {"weights_seed", Integer{of(&E::weights_seed), 0, largest_seed, "seed"}, "",
       "initial and feedback weights follow from it, all else (views, drawn layers, noise) from seed; \"seed\": they "
       "too "
       "follow from seed"},
      {"data", choice(of(&E::data), data_words), "",
       "data set whose images the eye sees; --data says where it lies; world: built-in solid objects; none: "
       "beside a stream.file of pixels"},
      {"folder.path", Text{of(&E::folder, &E::Folder::path)}, "",
       "folder of PNG and JPEG images, below --data or absolute: train/CLASS/* and test/CLASS/*, or CLASS/* alone "
       "(every fifth one is a test image); from unlabelled/*, where there is one, the network learns"},
      {"folder.height", integer(of(&E::folder, &E::Folder::height), 1, 4096), "pixels",
       "height to which images are resized"},
      {"folder.width", integer(of(&E::folder, &E::Folder::width), 1, 4096), "pixels",
       "width to which images are resized"},
      {"folder.channels", integer(of(&E::folder, &E::Folder::channels), 1, 3), "", "3 (colour) or 1 (grey)"},
      {"folder.fit", choice(of(&E::folder, &E::Folder::fit), {"crop", "stretch"}), "",
       "images of another aspect: their middle, or all of them, distorted"},
      {"folder.classes", integer(of(&E::folder, &E::Folder::classes), 0, million), "classes",
       "how many there must be; 0 = any number; loss = \"supervised\" needs it"},
      {"images", integer(of(&E::images), 0), "images",
       "use only the first N training images (world: objects and stills); 0 = all"},
      {"events", Integer{of(&E::events), 1, std::numeric_limits<std::int64_t>::max(), "unbounded"}, "views",
       "length of a replay; where views arrive (serve), and only there, also \"unbounded\"",
       "120000 (replay), \"unbounded\" (serve), as many as stream.file has"},
      {"epochs", integer(of(&E::epochs), 0, million), "epochs",
       "length of a training: passes over the images, for each layer in the schedules rll and gll"},
      {"batch", integer(of(&E::batch), 1, million), "pairs",
       "pairs of views in a step of a training; images that do not fill a batch are left out of an epoch"},
      {"network", Network{}, "", "a known name, or a table with embedding and layers, see below",
       "conv5 (colour), conv3 (grey), vgg6 (from 64 pixels)"},
      {"loss", choice(of(&E::loss), {"hinge", "simclr", "clapp", "supervised"}), "",
       "contrastive hinge on L1 distances; for a training also SimCLR, CLAPP, cross-entropy with labels"},
      {"schedule", choice(of(&E::schedule), {"rll", "gll", "pll", "e2e"}), "",
       "who learns: a layer drawn for each event, the layers one after the other, all of them in parallel, each from a "
       "head of its own (event mode), or all from the top head",
       "\"rll\" (replay), \"e2e\" (train)"},
      {"layer_weights", PerLayer{of(&E::layer_weights)}, "",
       "rll: how often each layer is drawn, relatively; one number: all alike", "1"},
      {"rule", choice(of(&E::rule), {"bp", "rf", "urf", "sign", "sign-forward", "dtp"}), "",
       "what carries errors back: forward weights, random ones, random ones that learn, signs of random, of forward; "
       "dtp (training, e2e): targets"},
      {"negatives", Integer{of(&E::negatives), 0, 100000, "all"}, "",
       "T: earlier fixations (memory.mode sliding) or later views (held) that are pushed away from an anchor; in a "
       "training the pairs that follow in the batch, without wrap-around, or \"all\": every other one"},
      {"negative_weight", Real{of(&E::negative_weight), 0, 1e6}, "", "w: weight of each negative term"},
      {"temperature", Real{of(&E::temperature), 1e-3, 1e3}, "", "of simclr"},
      {"margins", Margins{}, "L1", "[m1, m2]: pull beyond m1, push below m2; or a list of pairs, one per layer",
       "by layer (conv3, conv5; sgd, layer-wise), else [1, 3] (colour), [1, 1.5] (grey)"},
      {"block", Boolean{of(&E::block)}, "",
       "blocked gradient: only the later view of a pair learns (clapp: the context does not)"},
      {"error", choice(of(&E::error), {"hinge", "circuit"}), "",
       "what computes errors in a replay: an operation of the device, or units (Appendix A's circuit of excitatory and "
       "inhibitory ones, computed on the host; needs block); without noise they agree bit for bit"},
      {"activity", choice(of(&E::activity), {"hebb", "covariance"}), "",
       "what of the pre-synaptic activity enters a synapse's change in a replay: all of it, or its departure from the "
       "unit's own running average"},
      {"average_views", Real{of(&E::average_views), 1, 1e9}, "views",
       "time constant of that average, in views that learn"},
      {"optimiser", choice(of(&E::optimiser), {"sgd", "adam"}), "",
       "sgd: a plain Hebbian step; adam: two moments per weight", "sgd (replay), adam (train)"},
      {"rate", Shorthand{}, "", "learning rate of convolutions and heads alike", "see the next two"},
      {"rate.conv", PerLayer{of(&E::rate, &E::Rates::conv)}, "", "learning rate of the convolutions",
       "by network and schedule (sgd), 0.0001 (adam)"},
      {"rate.head", PerLayer{of(&E::rate, &E::Rates::head)}, "", "learning rate of the heads",
       "by network and schedule (sgd), 0.0001 (adam)"},
      {"rate.final", Real{of(&E::rate, &E::Rates::final), 0, 1}, "",
       "over a replay the rates fall linearly to this fraction of themselves",
       "0 (replay of conv3, conv5; sgd, layer-wise), else 1"},
      {"arithmetic", choice(of(&E::arithmetic), {"exact", "fast"}), "",
       "convolutions summed in one fixed order, or by Winograd's scheme where that saves work; each gives the same "
       "bits for any number of threads",
       "\"exact\" (replay), \"fast\" (train)"},
      {"view.kind",
       choice(of(&E::view, &E::Views::kind),
              {"plain", "affine-hsv", "affine", "rotate-scale-shift", "crop-jitter", "centre-crop", "random-crop-flip",
               "grey-crop", "world"},
              true),
       "",
       "how a view is deformed; auto: affine-hsv for colour images, affine for grey, crop-jitter for stl10, world for "
       "world (its objects in scenes; another kind: its stills, deformed)",
       "\"auto\""},
      {"stream.views", integer(of(&E::stream, &E::Stream::views), 1, million), "views",
       "views in a fixation, or their mean"},
      {"stream.dwell", choice(of(&E::stream, &E::Stream::dwell), {"fixed", "uniform", "geometric"}), "",
       "views in a fixation: always the same, 1 to 2 views - 1, or until the eye leaves by chance"},
      {"stream.switch_probability", Real{of(&E::stream, &E::Stream::switch_probability), 0, 1}, "",
       "probability that a view is the last of its fixation (dwell geometric); 0 = 1 / stream.views"},
      {"stream.fixation", positive(of(&E::stream, &E::Stream::fixation), 1e6), "s",
       "duration of a fixation of stream.views views, which are equally spaced in it"},
      {"stream.frame_rate", Real{of(&E::stream, &E::Stream::frame_rate), 0, 1e6}, "views/s",
       "views per second instead of stream.fixation; 0 = stream.fixation"},
      {"stream.order", choice(of(&E::stream, &E::Stream::order), {"shuffled", "fixed", "blocked"}), "",
       "order of the objects: shuffled in each pass, as stored, or class after class"},
      {"stream.returns", Real{of(&E::stream, &E::Stream::returns), 0, 0.999}, "",
       "probability that a fixation shows again what one of the return_depth fixations before the last one showed"},
      {"stream.return_depth", integer(of(&E::stream, &E::Stream::return_depth), 1, million), "fixations",
       "how far back a return goes"},
      {"stream.positives", choice(of(&E::stream, &E::Stream::positives), {"same", "shuffled"}), "",
       "what views behind the first of a fixation (of a pair) show: the same object, or, as a control, each another "
       "one, drawn from all"},
      {"stream.file", Text{of(&E::stream, &E::Stream::file)}, "",
       "recorded stream (saccade pack; --stream F.views): it decides data, images, view.kind and stream.views; the "
       "other keys of stream and those of motion do not apply",
       "none"},
      {"stream.hash", Text{of(&E::stream, &E::Stream::hash)}, "", "of what stream.file holds", "found in stream.file"},
      {"stream.shape", Text{of(&E::stream, &E::Stream::shape)}, "",
       "height, width and channels of its views, or of those that arrive: \"32x32x3\"",
       "found in stream.file; serve: as data's"},
      {"stream.arrives", Boolean{of(&E::stream, &E::Stream::arrives)}, "",
       "views come over the network (saccade serve)", "false (replay), true (serve)"},
      {"stream.streams", integer(of(&E::stream, &E::Stream::streams), 1, most_streams), "",
       "streams side by side, at most, each with a short-term memory of its own", "found in stream.file; serve: 8"},
      {"motion.path", choice(of(&E::motion, &E::Motion::path), {"independent", "trajectory"}), "",
       "how the views of a fixation (or a pair) hang together: each deformed on its own, or along a continuous path "
       "(Ornstein-Uhlenbeck) of warp and colour, or of pose and light (world)"},
      {"motion.warp_time", positive(of(&E::motion, &E::Motion::warp_time), 1e6), "s",
       "time constant of the warp's path"},
      {"motion.colour_time", positive(of(&E::motion, &E::Motion::colour_time), 1e6), "s",
       "time constant of saturation and hue"},
      {"motion.warp_spread", Real{of(&E::motion, &E::Motion::warp_spread), 0, 100}, "",
       "spread of the warp's path, 1 = that of independent views"},
      {"motion.colour_spread", Real{of(&E::motion, &E::Motion::colour_spread), 0, 100}, "",
       "spread of saturation and hue, 1 = that of independent views"},
      {"motion.pose_time", positive(of(&E::motion, &E::Motion::pose_time), 1e6), "s",
       "world: time constant of rotation, distance and place"},
      {"motion.light_time", positive(of(&E::motion, &E::Motion::light_time), 1e6), "s",
       "world: time constant of the light"},
      {"world.size", integer(of(&E::world, &E::BuiltInWorld::size), 16, 128), "pixels", "height and width of a view"},
      {"world.objects", integer(of(&E::world, &E::BuiltInWorld::objects), 1, World::most_objects), "objects",
       "that are learned from, as many of each of 16 shapes; the shape is the label"},
      {"world.paints", integer(of(&E::world, &E::BuiltInWorld::paints), 0, million), "",
       "different paints (colours and patterns); 0 = each object has its own"},
      {"world.seed", integer(of(&E::world, &E::BuiltInWorld::seed), 0, largest_seed), "",
       "objects and stills follow from it, as from a data set's name"},
      {"world.pose_spread", Real{of(&E::world, &E::BuiltInWorld::pose_spread), 0, infinite}, "",
       "how far objects are turned from their rest pose: 0.3: by 50 degrees in the median, inf = any pose"},
      {"world.place_spread", Real{of(&E::world, &E::BuiltInWorld::place_spread), 0, 10}, "",
       "spread of distance and place in the picture"},
      {"world.light_spread", Real{of(&E::world, &E::BuiltInWorld::light_spread), 0, 10}, "",
       "spread of the light's direction and strength"},
      {"world.train_stills", integer(of(&E::world, &E::BuiltInWorld::train_stills), 1, 100'000), "images",
       "labelled pictures for the probe's training"},
      {"world.test_stills", integer(of(&E::world, &E::BuiltInWorld::test_stills), 1, 100'000), "images",
       "for its test, of objects that are not learned from"},
      {"memory.mode", choice(of(&E::memory, &E::Memory::mode), {"sliding", "held"}), "",
       "an anchor per fixation, or one anchor held until its negatives are used"},
      {"memory.window", positive(of(&E::memory, &E::Memory::window), infinite), "s", "an older anchor is forgotten"},
      {"memory.capacity", integer(of(&E::memory, &E::Memory::capacity), 0, million), "anchors",
       "most anchors held; 0 = what negatives needs"},
      {"memory.trace",
       choice(of(&E::memory, &E::Memory::trace), {"window", "exponential", "synaptic", "synaptic-peak"}), "",
       "strength of a remembered embedding by age: window: 1 until it is forgotten; exponential: falls from 1; "
       "synaptic: "
       "facilitation times resources (Mongillo, Barak and Tsodyks 2008) relative to just after loading, rises above 1 "
       "before it falls; synaptic-peak: the same relative to its largest"},
      {"memory.trace_acts", choice(of(&E::memory, &E::Memory::trace_acts), {"scale", "gate"}), "",
       "what that strength multiplies: the embedding as it is read (distances drift), or the comparison's error (the "
       "update fades)"},
      {"memory.trace_time", positive(of(&E::memory, &E::Memory::trace_time), latest_second), "s",
       "exponential: time constant"},
      {"memory.facilitation_time", positive(of(&E::memory, &E::Memory::facilitation_time), latest_second), "s",
       "synaptic: tau_F, time constant of facilitation u"},
      {"memory.recovery_time", positive(of(&E::memory, &E::Memory::recovery_time), latest_second), "s",
       "synaptic: tau_D, time constant of resources x"},
      {"memory.utilisation", positive(of(&E::memory, &E::Memory::utilisation), 1), "", "synaptic: U, u at rest"},
      {"memory.burst", integer(of(&E::memory, &E::Memory::burst), 1, 1000), "spikes",
       "synaptic: what loads it, from rest; each spike uses up resources, more than a few leave next to nothing"},
      {"memory.burst_rate", positive(of(&E::memory, &E::Memory::burst_rate), million), "spikes/s",
       "synaptic: within the burst"},
      {"memory.noise", Real{of(&E::memory, &E::Memory::noise), 0, million}, "m1/units",
       "standard deviation of each unit of a remembered embedding, drawn each time it is read, in units of the layer's "
       "margin m1 over the number of units: a pair's mean difference at the margin"},
      {"circuit.noise", Real{of(&E::circuit, &E::Circuit::noise), 0, million}, "m1/units",
       "error circuit: standard deviation of each excitatory and inhibitory unit's activity, at each comparison"},
      {"circuit.threshold_error", Real{of(&E::circuit, &E::Circuit::threshold_error), 0, million}, "",
       "error circuit: relative standard deviation of the thresholds, drawn once for each layer and place in memory"},
      {"dtp.feedback_rate", positive(of(&E::dtp, &E::Dtp::feedback_rate), 1e6), "",
       "learning rate of the layer-wise autoencoders (Adam)"},
      {"dtp.noise", Real{of(&E::dtp, &E::Dtp::noise), 0, 1e6}, "",
       "standard deviation of the autoencoders' input noise"},
      {"dtp.feedback_steps", integer(of(&E::dtp, &E::Dtp::feedback_steps), 1, million), "",
       "steps of the autoencoders for each step of the forward weights"},
      {"dtp.pretrain", integer(of(&E::dtp, &E::Dtp::pretrain), 0, million), "batches",
       "batches that train the autoencoders alone, before the first step"},
      {"dtp.target_step", positive(of(&E::dtp, &E::Dtp::target_step), 1e6), "",
       "eta: the top target is the embedding minus eta times the loss's gradient"},
      {"clapp.update", choice(of(&E::clapp, &E::Clapp::update), {"synchronous", "asynchronous"}), "",
       "clapp: positive and negative terms in every step, or one kind at a time"},
      {"probe.enabled", choice(of(&E::probe, &E::Probe::enabled), {"auto", "true", "false"}), "",
       "linear probe of every layer; auto: in runs over 5,000 views"},
      {"probe.every", integer(of(&E::probe, &E::Probe::every), 0), "events",
       "events (steps of a training) between probes; 0 = only at the end"},
      {"probe.data", choice(of(&E::probe, &E::Probe::data), same_or_data()), "",
       "labelled data set of the probe; same: that of the run"},
      {"probe.layers", choice(of(&E::probe, &E::Probe::layers), {"all", "top"}), "", "layers that are probed"},
      {"probe.untrained", Boolean{of(&E::probe, &E::Probe::untrained)}, "", "probe the untrained network as well"},
      {"probe.images", integer(of(&E::probe, &E::Probe::images), 0), "images", "labelled training images; 0 = all"},
      {"probe.epochs", integer(of(&E::probe, &E::Probe::epochs), 1, million), "epochs", "passes over them"},
      {"probe.rate", positive(of(&E::probe, &E::Probe::rate), 1e6), "", "learning rate of the probe (Adam)"},
      {"probe.batch", integer(of(&E::probe, &E::Probe::batch), 1, million), "images", "images in a step of the probe"},
      {"probe.standardise", Boolean{of(&E::probe, &E::Probe::standardise)}, "",
       "features without their means and in units of their standard deviations, so that their size does not count"},
      {"probe.test", choice(of(&E::probe, &E::Probe::test), {"test", "train"}), "",
       "labelled images that the probe is tested on: those for tests, or training images that are held out from "
       "probe.test_from on (to choose settings by; images may hold them out of learning too)"},
      {"probe.test_from", integer(of(&E::probe, &E::Probe::test_from), 0), "images",
       "number of the first image of probe.test that is used"},
      {"probe.test_images", integer(of(&E::probe, &E::Probe::test_images), 0), "images",
       "use only N images from there on; 0 = all"},
      {"probe.deformed", Boolean{of(&E::probe, &E::Probe::deformed)}, "", "test on deformed images as well"},
      {"probe.deformation",
       choice(of(&E::probe, &E::Probe::deformation), {"auto", "affine", "affine-hsv", "rotate-scale-shift"}), "",
       "how deformed test images are deformed; auto: as the views, every image warped"},
      {"probe.deformation_strength", Real{of(&E::probe, &E::Probe::deformation_strength), 0, 2}, "",
       "p of rotate-scale-shift"},
      {"probe.pixels", Boolean{of(&E::probe, &E::Probe::pixels)}, "", "probe raw pixels as well"},
      {"record.events", Boolean{of(&E::record, &E::Record::events)}, "", "write events.trace"},
      {"record.every", integer(of(&E::record, &E::Record::every), 1), "events",
       "events between rows of metrics.csv; a training writes one an epoch"},
      {"measure.every", integer(of(&E::measure, &E::Measures::every), 0), "events",
       "events (steps of a training) between measures of learning in metrics.csv: ways of weights, gradients of single "
       "events against the batch's, features; 0 = never"},
      {"measure.pairs", integer(of(&E::measure, &E::Measures::pairs), 2, 100000), "pairs",
       "pairs of views, not those of the stream, in the batch that they look at, and as many again for single events"},
      {"measure.images", integer(of(&E::measure, &E::Measures::images), 2, 100000), "images",
       "labelled training images of the probe's whose features measure.knn and measure.similarity look at, and as many "
       "of its test images"},
      {"measure.knn", integer(of(&E::measure, &E::Measures::knn), 0, 100000), "images",
       "k: accuracy of k nearest neighbours in each layer's features, standardised; 0 = not measured"},
      {"measure.knn_metric", choice(of(&E::measure, &E::Measures::knn_metric), {"cosine", "euclidean"}), "",
       "what is near"},
      {"measure.similarity", choice(of(&E::measure, &E::Measures::similarity), {"none", "classes", "images"}), "",
       "mean cosine between standardised features, within and between classes, and a matrix of it for each layer "
       "(similarity.csv, heat maps in the report): class by class, or image by image"},
      {"measure.similarity_images", integer(of(&E::measure, &E::Measures::similarity_images), 2, 500), "images",
       "the first N of them in a matrix of images"},
      {"measure.factors", Boolean{of(&E::measure, &E::Measures::factors)}, "",
       "of the built-in world: R^2 of a linear read-out of each factor (rotation, distance, place, light, strength, "
       "ambient) from each layer's features, on test images"},
      {"measure.collapse", Real{of(&E::measure, &E::Measures::collapse), 0, 1e6}, "",
       "alarm when less than this is left of the embedding's variance (1 = that of the untrained network) or of its "
       "participation ratio, on any head, at a measurement; 0 = none"},
      {"measure.collapse_of", choice(of(&E::measure, &E::Measures::collapse_of), {"variance", "participation-ratio"}),
       "", "what measure.collapse limits"},
      {"measure.on_collapse", choice(of(&E::measure, &E::Measures::on_collapse), {"stop", "warn"}), "",
       "stop: the run ends there with a checkpoint (exit code 1); warn: it goes on"},
      {"checkpoint.every", integer(of(&E::checkpoint, &E::Checkpoints::every), 0), "events",
       "events (steps of a training) between checkpoints; 0 = only at the end", "20000 (replay), 500 (train)"},
  };
}

}  // namespace

const std::vector<Key>& table() {
  static const std::vector<Key> keys = make_table();
  return keys;
}

const Key* find(std::string_view name) {
  for (const Key& key : table())
    if (key.name == name) return &key;
  return nullptr;
}

}  // namespace saccade::keys
