#!/usr/bin/env python3
"""What nvcc says of every kernel, as a Markdown table: registers, shared memory, spills, and the blocks and warps that
an SM holds at a time, which follow from them. Needs nvcc and c++filt, no GPU.

  tools/bench/cuda_kernels.py > tools/results/cuda-kernels.md

Exit code 1 if a kernel spills more than --spills bytes.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Of one SM (CUDA C++ Programming Guide, technical specifications per compute capability).
SM = {"sm_80": {"registers": 65536, "shared": 164 << 10, "threads": 2048, "blocks": 32},
      "sm_90": {"registers": 65536, "shared": 228 << 10, "threads": 2048, "blocks": 32}}
RESERVED_SHARED = 1 << 10  # that the system takes of each block's


def nvcc(source, architecture, *more):
    command = ["nvcc", "-std=c++20", "--expt-relaxed-constexpr", "-fmad=false", f"-arch={architecture}", f"-I{ROOT}",
               "-DSACCADE_CUDA=cuda", *more, str(source)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit("cuda_kernels.py: error: there is no nvcc in PATH")
    if done.returncode != 0:
        sys.exit(f"cuda_kernels.py: nvcc failed on {source.name}:\n{done.stderr}")
    return done.stderr


def names(mangled):
    done = subprocess.run(["c++filt"], input="\n".join(mangled), capture_output=True, text=True, check=True)
    plain = []
    for name in done.stdout.split("\n"):
        name = re.sub(r"saccade::cuda::|\(anonymous namespace\)::", "", name)
        name = re.sub(r"\((?:\w+::)*\w+\)(?=-?\d|true|false)", "", name)  # types of template arguments
        plain.append(re.sub(r"^void |\(.*", "", name))
    return plain


def blocks_per_sm(limits, threads, registers, shared):
    warps = (threads + 31) // 32
    per_warp = (registers * 32 + 255) // 256 * 256  # registers come by 256 to a warp
    by_registers = limits["registers"] // (per_warp * warps)
    by_shared = limits["shared"] // (shared + RESERVED_SHARED)
    return min(by_registers, by_shared, limits["threads"] // (warps * 32), limits["blocks"])


def report(source, architecture, folder):
    """Kernels of one file: (name, threads, registers, shared bytes, spilled bytes)."""
    log = nvcc(source, architecture, "-cubin", "-Xptxas", "-v", "-o", str(folder / "out.cubin"))
    nvcc(source, architecture, "-ptx", "-o", str(folder / "out.ptx"))
    ptx = (folder / "out.ptx").read_text()
    threads = {entry: int(count) for entry, count in
               re.findall(r"\.entry (\w+)\([^)]*\)\s*\.maxntid (\d+)", ptx)}
    found = []
    for part in log.split("Compiling entry function '")[1:]:
        entry = part.split("'")[0]
        spilled = sum(int(n) for n in re.findall(r"(\d+) bytes spill (?:stores|loads)", part))
        shared = re.search(r"(\d+) bytes smem", part)
        if entry not in threads:
            sys.exit(f"cuda_kernels.py: {entry} has no __launch_bounds__")
        found.append((entry, threads[entry], int(re.search(r"Used (\d+) registers", part)[1]),
                      int(shared[1]) if shared else 0, spilled))
    return [(name, *rest) for name, (_, *rest) in zip(names([entry for entry, *_ in found]), found)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--spills", type=int, default=0, help="bytes that a kernel may spill")
    limit = parser.parse_args().spills
    too_many = []
    print("| file | kernel | card | threads | registers | shared bytes | spilled bytes | blocks an SM | warps of 64 |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted((ROOT / "engine/cuda/kernels").glob("*.cu")):
            for architecture, limits in SM.items():
                for name, threads, registers, shared, spilled in sorted(report(source, architecture, pathlib.Path(folder))):
                    blocks = blocks_per_sm(limits, threads, registers, shared)
                    print(f"| {source.stem} | `{name}` | {architecture} | {threads} | {registers} | {shared} | {spilled} "
                          f"| {blocks} | {blocks * ((threads + 31) // 32)} |")
                    if spilled > limit:
                        too_many.append(f"{source.stem} {name} on {architecture}")
    if too_many:
        sys.exit("cuda_kernels.py: these kernels spill: " + ", ".join(too_many))


if __name__ == "__main__":
    main()
