"""Reads what saccade wrote with numpy alone and recomputes it in double precision.

  check_export.py export WEIGHTS EMBEDDINGS LAYERS IDX_IMAGES IDX_LABELS
      WEIGHTS and EMBEDDINGS as `saccade export` writes them (--features --views, plain test images), LAYERS as JSON:
      [{"pool": true, "activation": "tanh"}, ...]. Prints the relative L2 error of every tensor.
  check_export.py csv FILE HEADER
      A table with one observation a row; prints rows and columns, and the sum of the last column.
  check_export.py tidy FILE
      The CSV of `saccade report`: one observation a row, named by run, layer and measure.
"""
import csv
import json
import struct
import sys

import numpy as np


def safetensors(file):
    """The tensors and the metadata of a file, checked against the format."""
    with open(file, "rb") as f:
        data = f.read()
    (length,) = struct.unpack("<Q", data[:8])
    assert (8 + length) % 8 == 0
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    assert all(isinstance(x, str) for pair in metadata.items() for x in pair)
    body, tensors, at = data[8 + length :], {}, 0
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert begin == at, name
        dtype = {"F32": "<f4", "I64": "<i8"}[entry["dtype"]]
        assert begin % np.dtype(dtype).itemsize == 0
        tensors[name] = np.frombuffer(body[begin:end], dtype).reshape(entry["shape"])
        at = end
    assert at == len(body)
    return tensors, metadata


def idx(file):
    with open(file, "rb") as f:
        data = f.read()
    dims = data[3]
    shape = struct.unpack(">" + "I" * dims, data[4 : 4 + 4 * dims])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape)


def convolution(x, w):
    """3x3, zero padding 1, no bias: [n,C,H,W] and [K,C,3,3]."""
    n, _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.zeros((n, w.shape[0], height, width))
    for i in range(3):
        for j in range(3):
            y += np.einsum("kc,nchw->nkhw", w[:, :, i, j], padded[:, :, i : i + height, j : j + width])
    return y


def layer(x, w, spec):
    y = convolution(x, w)
    if spec.get("stride") == 2:
        h, v = y.shape[2] // 2 * 2, y.shape[3] // 2 * 2
        y = y[:, :, :h:2, :v:2]
    if spec.get("pool"):
        h, v = y.shape[2] // 2, y.shape[3] // 2
        y = y[:, :, : 2 * h, : 2 * v].reshape(*y.shape[:2], h, 2, v, 2).max(axis=(3, 5))
    return {"tanh": np.tanh, "hardtanh": lambda a: np.clip(a, -1, 1), "relu": lambda a: np.maximum(a, 0),
            "none": lambda a: a}[spec["activation"]](y)


def check_export(weights_file, embeddings_file, layers, images_file, labels_file):
    weights, about_weights = safetensors(weights_file)
    found, about = safetensors(embeddings_file)
    for key in ("experiment", "event", "fingerprint", "network", "arithmetic", "instruction_set"):
        assert about_weights[key] == about[key], key
    assert "seed = " in about["experiment"]
    n = len(found["label"])
    assert (found["label"] == idx(labels_file)[:n]).all()
    pixels = idx(images_file)[:n]
    x = found["view"].astype(np.float64)
    if pixels.ndim == 3:
        pixels = pixels[:, None]

    def report(name, computed):
        a, b = found[name].astype(np.float64), computed
        assert a.shape == b.shape, (name, a.shape, b.shape)
        assert np.isfinite(a).all()
        error = np.sqrt(((a - b) ** 2).sum() / (b**2).sum())
        print(name, error)
        assert error <= 2e-6, (name, error)  # rounding of float32 in sums of some hundred terms

    report("view", pixels / 255.0)
    for i, spec in enumerate(json.loads(layers)):
        x = layer(x, weights[f"conv.{i}.weight"].astype(np.float64), spec)
        report(f"features.{i}", x)
        if f"head.{i}.weight" in weights:
            e = x.reshape(n, -1) @ weights[f"head.{i}.weight"].astype(np.float64).T
            if f"head.{i}.bias" in weights:
                e = e + weights[f"head.{i}.bias"]
            report(f"embedding.{i}", e)
        else:
            assert f"embedding.{i}" not in found


def check_csv(file, header):
    with open(file, newline="") as f:
        rows = list(csv.reader(f))
    assert rows[0] == header.split(","), rows[0]
    assert all(len(row) == len(rows[0]) for row in rows)
    table = np.genfromtxt(file, delimiter=",", names=True, dtype=None, encoding="utf-8")
    assert list(table.dtype.names) == rows[0]
    # One observation a row: what names it names it once.
    keys = [tuple(row[:-1]) for row in rows[1:]]
    assert len(set(keys)) == len(keys)
    value = table[rows[0][-1]]
    # The shortest text that reads back to the same bits.
    assert all(float(row[-1]) == v and float(repr(float(v))) == v for row, v in zip(rows[1:], value))
    print(len(keys), len(rows[0]), repr(float(value.sum())))


def check_tidy(file):
    with open(file, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    assert all(None not in row and None not in row.values() for row in rows)
    keys = [(row["run"], row["layer"], row["measure"]) for row in rows]
    assert len(set(keys)) == len(keys) > 0
    values = np.array([float(row["value"]) for row in rows])
    layers = [int(row["layer"]) for row in rows if row["layer"]]
    assert np.isfinite(values).all() and min(layers) == 0
    print(len(keys), repr(float(values.sum())))


if __name__ == "__main__":
    {"export": check_export, "csv": check_csv, "tidy": check_tidy}[sys.argv[1]](*sys.argv[2:])
