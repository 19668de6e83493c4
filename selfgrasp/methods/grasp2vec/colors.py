"""Colors as a part of the towers' maps: at each place the shares of pixels by color.

A convolution sees neighbors, so that what stayed changes a little where something beside it was
taken away. Shares of pixels do not, and cancel in the difference of two scenes exactly.

B pictures, H and W places of a map, K levels, S side in px.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import nn

_FIRST_WEIGHT = 20.0
"""An object's colors fill a twentieth of a scene: so weighted, they are as large as the
convolutions' features."""
_GAIN = 20.0
"""Logarithms of weights are this times what is learned: at a rate that suits convolutions they
would hardly leave where they begin."""
_MIDDLE = 0.25
"""Deviation, of the side of a picture, of the Gaussian by which places count in the middle."""


class Colors(nn.Module):
    """Shares of pixels by color, with a learned weight for each color.

    Args:
        levels: K of each of red, green and blue. Between two of them a pixel belongs to both, by
            linear interpolation.
        stride: px of a picture from one place to the next.

    Attributes:
        middle: pictures show one object in their middle, and places count by how near they are to
            it; else all alike.
    """

    middle = False

    def __init__(self, levels: int, stride: int) -> None:
        super().__init__()
        self.levels, self.stride = levels, stride
        self.log_weight = nn.Parameter(torch.full((levels**3, 1, 1), _FIRST_WEIGHT).log() / _GAIN)

    def forward(self, picture_BCSS: torch.Tensor) -> torch.Tensor:
        """(B, K^3, H, W) of 0 or more, of pictures with values from -1 to 1.

        H is S divided by the stride, rounded up.
        """
        shares = color_shares(picture_BCSS, self.stride, self.levels)
        if self.middle:
            shares = shares * near_middle(shares.shape[-1]).to(shares)
        out: torch.Tensor = (_GAIN * self.log_weight).exp() * shares
        return out


@torch.no_grad()
def color_shares(picture_BCSS: torch.Tensor, stride: int, levels: int) -> torch.Tensor:
    """(B, K^3, H, W) float32 pixels by color around each place, whose mean over places is their
    share of the picture. A pixel counts at the nearest place.

    Args:
        picture_BCSS: values from -1 to 1; beyond, the nearest.
        stride: px from the centre of one place to that of the next; the first is that of the first
            pixel.
        levels: K.
    """
    b, _, side, _ = picture_BCSS.shape
    places = -(-side // stride)
    nearest = (torch.arange(side, device=picture_BCSS.device) + stride // 2) // stride
    at = nearest.clamp(max=places - 1)
    place_BSS = (torch.arange(b, device=at.device)[:, None, None] * places + at[:, None]) * places
    scaled = (picture_BCSS.float().clamp(-1, 1) + 1) * ((levels - 1) / 2)
    low = scaled.long().clamp(max=levels - 2)
    above = scaled - low
    share = torch.stack([1 - above, above])
    strides = (levels**2, levels, 1)
    red, green, blue = (low[:, channel] * step for channel, step in enumerate(strides))
    index = ((place_BSS + at) * levels**3 + red + green + blue).flatten()
    counts = share.new_zeros(b * places**2 * levels**3)
    for r, g in product((0, 1), repeat=2):
        both = share[r, :, 0] * share[g, :, 1]
        for u in (0, 1):
            corner = r * strides[0] + g * strides[1] + u
            counts.scatter_add_(0, index + corner, (both * share[u, :, 2]).flatten())
    counts *= places**2 / side**2
    return counts.view(b, places, places, levels**3).permute(0, 3, 1, 2)


def near_middle(places: int) -> torch.Tensor:
    """(H, W) weights of `places` x `places` places, whose mean is 1: a Gaussian about the
    middle."""
    off = (torch.arange(places) - (places - 1) / 2) / (_MIDDLE * places)
    near = torch.exp(-0.5 * (off[:, None].square() + off.square()))
    return near / near.mean()
