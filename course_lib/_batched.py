"""What an operator and a law share: one set of parameters, or one for each image of a batch."""

import torch

from ._repr import Called


class Batched(Called):
    """A module whose buffers have a first axis of 1 (shared) or B (one set of parameters an image).

    `count` is B, or 1; `part[index]` keeps the sets of some images, in their order. A buffer whose
    name is in `shared` has no such axis and stays as it is.
    """

    shared = ()

    @property
    def count(self):
        """How many sets of parameters there are: B, or 1 for one that serves all images."""
        own = [b.shape[0] for name, b in self.named_buffers(recurse=False) if self._varies(name)]
        parts = [m.count for m in self.children() if isinstance(m, Batched)]
        return max([*own, *parts, 1])

    def _varies(self, name):
        return name not in self.shared

    def register_buffer(self, name, tensor, persistent=True):
        """Keep a copy: what later happens to the caller's tensor does not show here."""
        super().register_buffer(name, tensor.clone(), persistent)

    def __len__(self):
        return self.count

    def __iter__(self):
        return (self[i] for i in range(self.count))

    def __getitem__(self, index):
        """The part of the images `index` of the batch: a tensor, a list, a slice or one number.

        Raises IndexError for a number that is not in the batch; one set that serves all images
        stands for each of them.
        """
        return self._part(_positions(index, self.count))

    def _part(self, index):
        part = self.__new__(type(self))
        torch.nn.Module.__init__(part)
        part.__dict__.update({k: v for k, v in self.__dict__.items() if not k.startswith("_")})
        for name, buffer in self.named_buffers(recurse=False):
            one = buffer.shape[:1] == (1,) or not self._varies(name)
            part._buffers[name] = buffer if one else buffer[index]
        for name, module in self.named_children():
            part.add_module(name, module._part(index) if isinstance(module, Batched) else module)
        return part

    @staticmethod
    def stack(parts):
        """One module for a batch, from the modules of its images: what torch's DataLoader calls."""
        whole, kinds = parts[0]._part(slice(None)), {type(part).__name__ for part in parts}
        if len(kinds) > 1:
            mix = ", ".join(sorted(kinds))
            raise ValueError(f"a batch can't mix {mix}; make one batch of each.")
        for name, buffer in whole.named_buffers(recurse=False):
            own = [getattr(part, name) for part in parts]
            if whole._varies(name) and any(b.data_ptr() != buffer.data_ptr() for b in own):
                whole._buffers[name] = torch.cat(own)
        for name, module in whole.named_children():
            if isinstance(module, Batched):
                whole.add_module(name, Batched.stack([getattr(part, name) for part in parts]))
        return whole


def _positions(index, count):
    """What selects along the first axis, with numbers of any kind checked against the count."""
    if isinstance(index, slice):
        if count > 1 and not len(range(count)[index]):
            raise IndexError(f"the slice {index} selects none of a batch of {count}.")
        return index
    try:
        places = torch.as_tensor(index).reshape(-1)
    except (TypeError, ValueError, RuntimeError):
        places = torch.empty(1)
    if places.is_floating_point() and places.numel():
        raise TypeError(f"the index is {index!r}; give a number, a slice or a tensor of numbers.")
    if count == 1 or places.dtype == torch.bool:
        return places
    if len(wrong := places[(places < -count) | (places >= count)]):
        raise IndexError(f"image {wrong[0]} of a batch of {count} was asked for.")
    if len(places) == 1:  # a view
        return slice(int(places), int(places) + 1 or None)
    return places
