"""Where packed patches can lie: how fast random batches come out of each format.

uv run --with h5py --with zarr --with lmdb python benchmarks/formats.py [--quick]

Batches of 64 patches of 50x50 in random order, as a training asks for them, from a file that is in
the page cache; formats whose package is not installed are left out. The baseline is decoding the
PNG files themselves with OpenCV.
"""

import shutil
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
from common import arguments, png_folder, tell, timed
from numpy.typing import NDArray

from idc.data.sources.idc import IdcSource

BATCH = 64
Array = NDArray[np.uint8]
Reader = Callable[[Array], Array]


def main() -> None:
    quick = arguments(__doc__).quick
    root = png_folder(20_000)
    source = IdcSource(root)
    index = source.scan().index
    patches = source.read(index).patches
    rng = np.random.default_rng(0)
    batches = [np.sort(rng.integers(0, len(patches), BATCH)) for _ in range(100 if quick else 1000)]
    paths = [str(root / path) for path in index["path"]]
    seconds = measure(lambda rows: np.stack([cv2.imread(paths[i]) for i in rows]), batches[:100])
    baseline = 100 * BATCH / seconds
    folder = Path(tempfile.mkdtemp())
    try:
        for name, (package, write) in FORMATS.items():
            if find_spec(package) is None:
                print(f"formats: {name} left out, {package} is not installed")
                continue
            read = write(folder, patches)
            assert (read(batches[0]) == patches[batches[0]]).all()
            rate = len(batches) * BATCH / measure(read, batches)
            what = f"{name}, {rate:,.0f} patches/s"
            tell(f"formats_{package}", rate / baseline, what, f"PNG, {baseline:,.0f} patches/s")
    finally:
        shutil.rmtree(folder)


def measure(read: Reader, batches: list[Array]) -> float:
    """Seconds to read all batches, the second time."""

    def work() -> None:
        for rows in batches:
            read(rows)

    work()
    return timed(work)


def npy(folder: Path, patches: Array) -> Reader:
    np.save(folder / "p.npy", patches)
    mapped = np.load(folder / "p.npy", mmap_mode="r")
    return lambda rows: np.asarray(mapped[rows])


def arrow(folder: Path, patches: Array) -> Reader:
    width = patches[0].nbytes
    column = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(patches), [None, pa.py_buffer(patches.tobytes())]
    )
    with pa.OSFile(str(folder / "p.arrow"), "wb") as sink:
        table = pa.table({"patch": column})
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    opened = pa.ipc.open_file(pa.memory_map(str(folder / "p.arrow"))).read_all()["patch"]

    def read(rows: Array) -> Array:
        taken = opened.take(pa.array(rows)).combine_chunks()
        data = np.frombuffer(taken.buffers()[1], np.uint8)
        return data.reshape(len(rows), *patches.shape[1:])

    return read


def hdf5(folder: Path, patches: Array) -> Reader:
    import h5py

    with h5py.File(folder / "p.h5", "w") as file:
        file.create_dataset("p", data=patches, chunks=(1, *patches.shape[1:]))
    opened = h5py.File(folder / "p.h5")["p"]

    def read(rows: Array) -> Array:
        unique, place = np.unique(rows, return_inverse=True)
        return np.asarray(opened[unique][place])

    return read


def zarr(folder: Path, patches: Array) -> Reader:
    import zarr as z

    array = z.create_array(
        store=str(folder / "p.zarr"),
        shape=patches.shape,
        chunks=(1, *patches.shape[1:]),
        shards=(1000, *patches.shape[1:]),
        dtype="uint8",
    )
    array[:] = patches
    return lambda rows: np.asarray(array.oindex[rows])


def lmdb(folder: Path, patches: Array) -> Reader:
    import lmdb as db

    environment = db.open(str(folder / "p.lmdb"), map_size=4 * patches.nbytes)
    with environment.begin(write=True) as transaction:
        for i, patch in enumerate(patches):
            transaction.put(i.to_bytes(4), patch.tobytes())

    def read(rows: Array) -> Array:
        with environment.begin(buffers=True) as transaction:
            found = [np.frombuffer(transaction.get(int(i).to_bytes(4)), np.uint8) for i in rows]
        return np.stack(found).reshape(len(rows), *patches.shape[1:])

    return read


FORMATS: dict[str, tuple[str, Callable[[Path, Array], Reader]]] = {
    "npy, mapped": ("numpy", npy),
    "Arrow IPC, mapped": ("pyarrow", arrow),
    "HDF5, a chunk a patch": ("h5py", hdf5),
    "Zarr, a chunk a patch in shards": ("zarr", zarr),
    "LMDB": ("lmdb", lmdb),
}


if __name__ == "__main__":
    main()
