"""Meshes of devices, and how data and variables would lie on them: keras.distribution.

There is one device here, the CPU with all its cores. Meshes and layouts of more can be described; training within a
distribution takes one of one device, where every layout is the whole.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import warnings
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

import numpy as np

from duoflow import config as tf_config

from .state import session
from .symbolic import KerasTensor

__all__ = [
    "DataParallel", "DeviceMesh", "LayoutMap", "ModelParallel", "TensorLayout", "distribute_tensor", "distribution",
    "get_device_count", "initialize", "list_devices", "set_distribution",
]  # fmt: skip


def list_devices(device_type: str | None = None) -> list[str]:
    """The devices of a type, "cpu" or "gpu"; those to compute on if not given.

    >>> tf.keras.distribution.list_devices()
    ['cpu:0']

    Keras: keras.distribution.list_devices.
    """
    found = tf_config.list_logical_devices(device_type.upper() if device_type else None)
    if device_type is None:
        found = [d for d in found if d.device_type != "CPU"] or found
    return [f"{d.device_type.lower()}:{d.name.split(':')[-1]}" for d in found]


def get_device_count(device_type: str | None = None) -> int:
    """How many devices there are of a type. Keras: keras.distribution.get_device_count."""
    return len(list_devices(device_type))


def initialize(
    job_addresses: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Get ready for a number of processes, which is one.

    Args:
      job_addresses, num_processes, process_id: else from KERAS_DISTRIBUTION_JOB_ADDRESSES and its like.

    Raises `ValueError` for more than one process. Keras: keras.distribution.initialize.
    """

    def given(value: Any, name: str) -> Any:
        return os.environ.get(f"KERAS_DISTRIBUTION_{name}") if value is None else value

    addresses = given(job_addresses, "JOB_ADDRESSES")
    count, own = int(given(num_processes, "NUM_PROCESSES") or 1), int(given(process_id, "PROCESS_ID") or 0)
    if count > 1 or own > 0:
        raise ValueError(
            "There is one process here: training is not distributed over several. Received: "
            f"job_addresses={addresses}, num_processes={count}, process_id={own}"
        )


class DeviceMesh:
    """Devices in a grid whose axes have names.

    Args:
      shape: of the grid. axis_names: one for each axis.
      devices: their names; `list_devices()` if not given.

    Raises `ValueError` where they are not as many as the grid has places.

    >>> tf.keras.distribution.DeviceMesh((1, 1), ["batch", "model"]).devices
    array([['cpu:0']], dtype='<U5')

    Keras: keras.distribution.DeviceMesh.
    """

    def __init__(self, shape: Sequence[int], axis_names: Sequence[str], devices: Any = None) -> None:
        if not shape or not axis_names:
            raise ValueError(f"Shape and axis_names cannot be empty. Received: shape={shape}, axis_names={axis_names}")
        if len(shape) != len(axis_names):
            raise ValueError(
                f"Shape and axis_names should have same size. Received: shape={shape}, axis_names={axis_names}"
            )
        grid = np.array(list_devices() if devices is None else devices)
        if math.prod(shape) != grid.size:
            raise ValueError(
                f"Shape does not match the number of devices. Received: shape={shape}; devices.shape={grid.shape}"
            )
        self.shape, self.axis_names, self.devices = shape, axis_names, grid.reshape(shape)

    def __repr__(self) -> str:
        return f"<DeviceMesh shape={self.shape}, axis_names={self.axis_names}>"


class TensorLayout:
    """Along which axes of a mesh a tensor's dimensions are split.

    Args:
      axes: for each dimension the name of an axis, or None where it is not split. device_mesh: can be given later.

    Raises `ValueError` for names that are not the mesh's. Keras: keras.distribution.TensorLayout.
    """

    def __init__(self, axes: Sequence[str | None], device_mesh: DeviceMesh | None = None) -> None:
        self.axes = tuple(axes)
        self._device_mesh: DeviceMesh | None = None
        if device_mesh is not None:
            self.device_mesh = device_mesh

    @property
    def device_mesh(self) -> DeviceMesh | None:
        """The mesh; to be set once."""
        return self._device_mesh

    @device_mesh.setter
    def device_mesh(self, device_mesh: DeviceMesh) -> None:
        if self._device_mesh is not None:
            raise ValueError(f"Cannot override device mesh value. Existing value is {self._device_mesh}")
        unknown = set(self.axes) - {None, *device_mesh.axis_names}
        if unknown:
            raise ValueError(
                f"Invalid axis names for Layout. Valid axis names: {set(device_mesh.axis_names)}, Got {unknown}"
            )
        self._device_mesh = device_mesh

    def __repr__(self) -> str:
        return f"<TensorLayout axes={self.axes}, device_mesh={self.device_mesh}>"


class LayoutMap(MutableMapping):  # type: ignore[type-arg]
    """Layouts by path, or by a regular expression of whole paths; None for what matches none.

    Args:
      device_mesh: that of layouts that have none. Tuples of axis names may be put in as layouts.

    >>> layouts = tf.keras.distribution.LayoutMap(tf.keras.distribution.DeviceMesh((1,), ["model"]))
    >>> layouts[".*dense.*kernel"] = (None, "model")
    >>> layouts["net/dense_1/kernel"].axes, layouts["net/dense_1/bias"]
    ((None, 'model'), None)

    Keras: keras.distribution.LayoutMap.
    """

    def __init__(self, device_mesh: DeviceMesh) -> None:
        self.device_mesh = device_mesh
        self._layouts: dict[str, TensorLayout] = {}

    def __getitem__(self, key: str) -> TensorLayout | None:
        if key in self._layouts:
            return self._layouts[key]
        matches = [pattern for pattern in self._layouts if re.fullmatch(pattern, key)]
        if len(matches) > 1:
            raise ValueError(
                f"Path '{key}' matches multiple layout specification keys: {matches}. Please make sure each "
                "tensor/variable path only matches at most one layout specification key in the LayoutMap."
            )
        return self._layouts[matches[0]] if matches else None

    def __setitem__(self, key: str, layout: Any) -> None:
        if key in self._layouts:
            raise ValueError(
                f"{key} already exist in the LayoutMap with value {self._layouts[key]}. Please make sure to not use "
                "duplicated keys."
            )
        layout = TensorLayout(layout) if isinstance(layout, tuple) else layout
        if not isinstance(layout, TensorLayout):
            raise ValueError(f"{layout} should be a TensorLayout type, got {type(layout)}")
        if layout.device_mesh is None and self.device_mesh is not None:
            layout.device_mesh = self.device_mesh
        self._layouts[key] = layout

    def __delitem__(self, key: str) -> None:
        del self._layouts[key]

    def __len__(self) -> int:
        return len(self._layouts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)


class Distribution:
    """Base of distributions: how batches and variables lie on a mesh."""

    num_processes = 1
    data_shard_id = 0

    def __init__(self, device_mesh: DeviceMesh, batch_dim_name: str, auto_shard_dataset: bool = True) -> None:
        self.device_mesh, self.batch_dim_name = device_mesh, batch_dim_name
        self.auto_shard_dataset = auto_shard_dataset

    @property
    def num_model_replicas(self) -> int:
        """How many whole models there are on the mesh."""
        return int(self.device_mesh.shape[list(self.device_mesh.axis_names).index(self.batch_dim_name)])

    def get_data_layout(self, data_shape: Sequence[Any]) -> TensorLayout:
        """The layout of a batch: split along its first dimension."""
        return TensorLayout((self.batch_dim_name, *[None] * (len(data_shape) - 1)), self.device_mesh)

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        """The layout of a variable: its own, what the distribution says, or whole on every device."""
        layout = getattr(variable, "_layout", None) or self.get_tensor_layout(variable.path)
        return layout or TensorLayout([None] * len(variable.shape), self.device_mesh)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """The layout that the distribution says for a path, or None."""
        return None

    def distribute_dataset(self, dataset: Any) -> Any:
        """The part of a dataset that is this process's: all of it."""
        return dataset

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Make this the distribution inside."""
        outer = distribution()
        set_distribution(self)
        try:
            yield
        finally:
            set_distribution(outer)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} device_mesh={self.device_mesh}>"


class DataParallel(Distribution):
    """Variables whole on every device, batches split among them.

    Args:
      device_mesh: of one axis. devices: names of devices, in its place; all there are if neither is given.
      auto_shard_dataset: split datasets among processes, of which there is one.

    >>> with tf.keras.distribution.DataParallel().scope():
    ...     tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)]).count_params()
    3

    Keras: keras.distribution.DataParallel.
    """

    def __init__(
        self, device_mesh: DeviceMesh | None = None, devices: Any = None, auto_shard_dataset: bool = True
    ) -> None:
        if device_mesh is None:
            names = np.array(devices or list_devices())
            device_mesh = DeviceMesh(names.shape, ["batch"], names)
        if not isinstance(device_mesh, DeviceMesh):
            raise ValueError(
                "Expect `mesh` to be an instance of `DeviceMesh`. "
                f"Received: mesh={device_mesh} (of type {type(device_mesh)})"
            )
        super().__init__(device_mesh, device_mesh.axis_names[0], auto_shard_dataset)
        if device_mesh.devices.ndim != 1:
            warnings.warn(
                f"Expect the input mesh to be 1D, but received mesh.devices.ndim={device_mesh.devices.ndim}. The first "
                "axis will be used for data-parallel sharding.",
                stacklevel=2,
            )

    @property
    def num_model_replicas(self) -> int:
        """One for each device."""
        return int(self.device_mesh.devices.size)


class ModelParallel(Distribution):
    """Variables split as a map of layouts says, batches along one axis.

    Args:
      layout_map: layouts by the variables' paths. batch_dim_name: the batches' axis, the mesh's first if not given.
      auto_shard_dataset: as in `DataParallel`.

    Keras: keras.distribution.ModelParallel.
    """

    def __init__(
        self, *, layout_map: LayoutMap | None = None, batch_dim_name: str | None = None,
        auto_shard_dataset: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        kwargs.pop("device_mesh", None)  # the map's is taken, as in Keras
        if kwargs:
            raise TypeError(f"ModelParallel got unexpected keyword arguments: {list(kwargs)}")
        if layout_map is None:
            raise ValueError("You must specify a layout_map argument.")
        if not isinstance(layout_map, LayoutMap):
            raise ValueError(f"Argument `layout_map` must be a `LayoutMap` instance. Received: layout_map={layout_map}")
        mesh = layout_map.device_mesh
        super().__init__(mesh, batch_dim_name or mesh.axis_names[0], auto_shard_dataset)
        self._layout_map = layout_map

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """The layout that the map has for a path, or None."""
        return self._layout_map[path]


def distribute_tensor(tensor: Any, layout: TensorLayout) -> Any:
    """A tensor in a layout, which on one device is the tensor; KerasTensors as they are.

    Raises `ValueError` for layouts without a mesh, and meshes of more devices.
    Keras: keras.distribution.distribute_tensor.
    """
    if isinstance(tensor, KerasTensor):
        return tensor
    if layout.device_mesh is None:
        raise ValueError(f"Cannot create sharding when device mesh is not set for TensorLayout. Received: {layout}")
    _check_devices(layout.device_mesh)
    return tensor


def distribution() -> Any:
    """The distribution that was set, or None. Keras: keras.distribution.distribution."""
    return session.distribution


def set_distribution(value: Distribution | None) -> None:
    """Set the distribution; None for none.

    Raises `ValueError` where it asks for devices that do not exist. Keras: keras.distribution.set_distribution.
    """
    if value is not None:
        _check_devices(value.device_mesh)
    session.distribution = value


def _check_devices(mesh: DeviceMesh) -> None:
    """Raise `ValueError` for devices that do not exist."""
    there = list_devices()
    missing = [str(name) for name in mesh.devices.reshape(-1) if name not in there]
    if missing or mesh.devices.size > len(there):
        raise ValueError(
            f"The mesh asks for {mesh.devices.size} devices, {mesh.devices.reshape(-1).tolist()}; there is "
            f"{len(there)}, {there}. All cores of the CPU are one device: use a mesh of shape "
            f"{(1,) * mesh.devices.ndim}."
        )
