#!/usr/bin/env python3
"""Compares `saccade step` with PyTorch's automatic differentiation in double precision.

  step_against_torch.py [SACCADE] [--pairs N] [--seed S] > step-against-torch.csv

Random weights, feedback weights, views (away from ties and kinks) and labels for conv5, conv3 and a declared network;
every loss and rule, end to end and each layer alone, blocked or not, few or all negatives. One row a case: the share of
active hinge terms of each kind, and the largest relative L2 distance of embeddings, distances, loss and gradients. Exit
code 1 where one is above 1e-5 (float32 sums of up to 32768 products against double), is not a number, or where a
gradient is missing.

Needs PyTorch (Debian: python3-torch) and nothing else. Shares no code with saccade: this is the definition of the
step in a few lines of PyTorch, with feedback weights by the rule "backward through these instead".
"""
import argparse
import csv
import itertools
import json
import math
import pathlib
import struct
import subprocess
import sys
import tempfile

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    raise SystemExit("step_against_torch.py: PyTorch is needed (Debian: python3-torch)")

LIMIT = 1e-5
# Nearer than this to where a derivative jumps (equal values in a pooling window, hardtanh at 1, equal embeddings) the
# rounding of float32 decides on which side one is: such views are drawn again.
KINK = 2e-6
TAU = 0.1
ACTIVATIONS = {"hardtanh": F.hardtanh, "tanh": torch.tanh, "none": lambda y: y}

# height, width, channels; then for each layer: channels, pool, activation. The activation comes behind the pool.
NETWORKS = {
    "conv5": ((32, 32, 3), [(32, False, "hardtanh"), (32, True, "none"), (64, False, "hardtanh"), (64, True, "none"),
                            (512, True, "none")], 64),
    "conv3": ((28, 28, 1), [(32, True, "tanh"), (64, True, "tanh"), (128, True, "tanh")], 64),
    "declared": ((13, 10, 3), [(5, False, "tanh"), (7, True, "hardtanh"), (6, False, "none")], 9),
}


class Feedback(torch.autograd.Function):
    """A convolution or a head whose error travels back through other weights than its activity came through."""

    @staticmethod
    def forward(ctx, x, weight, feedback):
        ctx.save_for_backward(x, weight, feedback)
        return F.conv2d(x, weight, padding=1) if weight.dim() == 4 else x @ weight.T

    @staticmethod
    def backward(ctx, error):
        x, weight, feedback = ctx.saved_tensors
        if weight.dim() == 2:
            return error @ feedback, error.T @ x, None
        return (F.conv_transpose2d(error, feedback, padding=1),
                torch.nn.grad.conv2d_weight(x, weight.shape, error, padding=1), None)


def backward_weights(rule, weight, feedback):
    return {"bp": weight, "rf": feedback, "urf": feedback, "sign": feedback.sign(),
            "sign-forward": weight.sign()}[rule].detach()


def embed(network, weights, x, rule, layer):
    _, layers, _ = NETWORKS[network]
    top = len(layers) - 1 if layer is None else layer
    for i, (_, pool, activation) in enumerate(layers[: top + 1]):
        name = f"conv.{i}.weight"
        if layer is not None and i == layer:
            x = x.detach()  # the layers below do not learn
        x = Feedback.apply(x, weights[name], backward_weights(rule, weights[name], weights["feedback." + name]))
        if pool:
            x = F.max_pool2d(x, 2)
        x = ACTIVATIONS[activation](x)
    name = f"head.{top}.weight"
    return Feedback.apply(x.flatten(1), weights[name], backward_weights(rule, weights[name], weights["feedback." + name]))


def distances(a, b):
    return (a[:, None, :] - b[None, :, :]).abs().sum(2)


def hinge(a, b, margins, negatives, weight, block):
    d = distances(a.detach() if block else a, b)
    n = len(d)
    positive = (d.diagonal() - margins[0]).clamp(min=0)
    ahead = torch.arange(n)[None, :] - torch.arange(n)[:, None]
    used = ahead != 0 if negatives == "all" else (ahead > 0) & (ahead <= negatives)
    negative = (margins[1] - d[used]).clamp(min=0)
    return positive.sum() + weight * negative.sum(), (positive > 0).double().mean(), (negative > 0).double().mean()


def simclr(a, b):
    x = F.normalize(torch.cat([a, b]))
    n = len(a)
    s = (x @ x.T / TAU).masked_fill(torch.eye(2 * n, dtype=torch.bool), -math.inf)
    return F.cross_entropy(s, torch.cat([torch.arange(n) + n, torch.arange(n)]), reduction="sum") / n


def write_safetensors(file, tensors):
    header, body = {}, b""
    for name, tensor in tensors.items():
        data = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": {torch.float32: "F32", torch.int64: "I64"}[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(struct.pack("<Q", len(text)) + text + body)


def read_safetensors(file):
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        values = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32)
        tensors[name] = values.reshape(entry["shape"]).double()
    return tensors


def make(network, pairs):
    (height, width, channels), layers, units = NETWORKS[network]
    weights = {}

    def uniform(name, shape):
        fan_in = math.prod(shape[1:])
        for prefix in ("", "feedback."):
            weights[prefix + name] = (torch.rand(shape) * 2 - 1) / math.sqrt(fan_in)

    for i, (out, pool, _) in enumerate(layers):
        uniform(f"conv.{i}.weight", (out, channels, 3, 3))
        channels = out
        if pool:
            height, width = height // 2, width // 2
        uniform(f"head.{i}.weight", (units, channels * height * width))
        weights[f"head.{i}.bias"] = (torch.rand(units) * 2 - 1) / 10
    while True:
        a = torch.stack([smooth_view(network, weights) for _ in range(pairs)])
        b = torch.stack([smooth_view(network, weights, near) for near in a])
        if all(gap(x, y) for x, y in zip(every_embedding(network, weights, a), every_embedding(network, weights, b))):
            return weights, {"a": a, "b": b, "label": torch.randint(0, units, (pairs,))}


def gap(x, y):
    return bool(((x[:, None, :] - y[None, :, :]).abs() > KINK).all())


def every_embedding(network, weights, x):
    exact = {name: tensor.double() for name, tensor in weights.items()}
    return [embed(network, exact, x.double(), "bp", layer) for layer in range(len(NETWORKS[network][1]))]


def smooth_view(network, weights, near=None):
    """A view; one that is nearer to `near` than others are."""
    (height, width, channels), layers, _ = NETWORKS[network]
    while True:
        view = torch.rand(channels, height, width)
        if near is not None:
            view = 0.3 * view + 0.7 * near
        x = view[None].double()
        smooth = True
        for i, (_, pool, activation) in enumerate(layers):
            x = F.conv2d(x, weights[f"conv.{i}.weight"].double(), padding=1)
            if pool:
                first, second = F.unfold(x.transpose(0, 1), 2, stride=2).topk(2, dim=1).values.unbind(1)
                smooth = smooth and bool((first - second > KINK).all())
                x = F.max_pool2d(x, 2)
            if activation == "hardtanh":
                smooth = smooth and bool(((x.abs() - 1).abs() > KINK).all())
            x = ACTIVATIONS[activation](x)
        if smooth:
            return view


def declare(network, file):
    (height, width, channels), layers, units = NETWORKS[network]
    told = ", ".join(f'{{channels = {k}, pool = {str(pool).lower()}, activation = "{activation}"}}'
                     for k, pool, activation in layers)
    file.write_text(f'data = "none"\nstream.shape = "{height}x{width}x{channels}"\nstream.arrives = true\n'
                    f"network.embedding = {units}\nnetwork.layers = [{told}]\n")


def cases(network):
    layers = [None, *range(len(NETWORKS[network][1]))]
    for rule, layer in itertools.product(("bp", "rf", "urf", "sign", "sign-forward"), layers):
        for block, negatives in itertools.product((True, False), (4, "all")):
            yield "hinge", rule, layer, block, negatives
        for loss in ("simclr", "supervised"):
            yield loss, rule, layer, True, 4


def middle(values):
    """Where half of them are active, and none is so near that rounding decides: the middle of the gap there."""
    values = values.flatten().sort().values
    at = len(values) // 2
    return float(values[at - 1] + values[at]) / 2


def compare(program, folder, network, weights, views, case):
    loss, rule, layer, block, negatives = case
    top = len(NETWORKS[network][1]) - 1 if layer is None else layer
    exact = {name: tensor.double().requires_grad_(not name.startswith("feedback.")) for name, tensor in weights.items()}
    a, b = (embed(network, exact, views[name].double(), rule, layer) for name in "ab")
    margins, weight, shares = (1.0, 3.0), 0.2, ("", "")
    if loss == "hinge":
        d = distances(a, b).detach()
        margins = middle(d.diagonal()), middle(d[~torch.eye(len(d), dtype=torch.bool)])
        value, *shares = hinge(a, b, margins, negatives, weight, block)
        shares = [f"{float(share):.2f}" for share in shares]
    elif loss == "simclr":
        value = simclr(a, b)
    else:
        a, b = a + exact[f"head.{top}.bias"], b + exact[f"head.{top}.bias"]
        value = F.cross_entropy(b, views["label"])
    value.backward()
    expected = {"embedding.b": b, "loss": value.reshape(1)}
    if loss != "supervised":
        expected |= {"embedding.a": a, "distance": distances(a, b)}
    for name, tensor in exact.items():
        learns = name == f"head.{top}.weight" or name == f"head.{top}.bias" and loss == "supervised" or (
            name.startswith("conv.") and (int(name.split(".")[1]) == layer if layer is not None else True))
        if learns:
            expected["grad." + name] = tensor.grad

    arguments = [program, "step", "--weights", folder / "weights", "--views", folder / "views", "--out", folder / "out",
                 "--network", folder / "declared.toml" if network == "declared" else network, "--quiet", "--device", "cpu",
                 "--loss", loss, "--rule", rule, "--negatives", str(negatives), "--negative-weight", str(weight),
                 "--margins", ",".join(repr(m) for m in margins)]
    arguments += [] if layer is None else ["--layer", str(layer)]
    arguments += [] if block else ["--no-block"]
    subprocess.run(list(map(str, arguments)), check=True)
    found = read_safetensors(folder / "out")
    errors = {}
    for name, tensor in expected.items():
        if name not in found or found[name].shape != tensor.shape:
            raise SystemExit(f"{network} {case}: {name} is missing or has another shape")
        kind = name.split(".")[0]
        error = float((found[name] - tensor).norm() / tensor.norm())
        errors[kind] = max(errors.get(kind, 0.0), error) if error == error else math.nan
    unknown = {name for name in found if name.startswith("grad.") and "feedback" not in name} - expected.keys()
    if unknown:
        raise SystemExit(f"{network} {case}: what should not learn has a gradient: {unknown}")
    return shares, errors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default="build/release/saccade")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    table = csv.writer(sys.stdout, lineterminator="\n")
    kinds = ("embedding", "distance", "loss", "grad")
    table.writerow(["network", "loss", "rule", "layer", "blocked", "negatives", "active_positives", "active_negatives",
                    *(f"{kind}_error" for kind in kinds)])
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for network in NETWORKS:
            weights, views = make(network, options.pairs)
            declare(network, folder / "declared.toml")
            write_safetensors(folder / "weights", weights)
            write_safetensors(folder / "views", views)
            for case in cases(network):
                shares, errors = compare(options.program, folder, network, weights, views, case)
                good = good and all(error <= LIMIT for error in errors.values())
                loss, rule, layer, block, negatives = case
                table.writerow([network, loss, rule, "e2e" if layer is None else layer, block, negatives, *shares,
                                *(f"{errors[kind]:.1e}" if kind in errors else "" for kind in kinds)])
                sys.stdout.flush()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
