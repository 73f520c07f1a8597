"""Make a network fit for 8 bits: outliers of activations move into the weights, word embeddings get a scale a row.

SmoothQuant (Xiao et al. 2023): dynamic quantisation takes one range for a whole activation. In the feed-forward layers a few channels are far larger than the others, and
took all of its steps. Each input channel j is divided by s_j = max|x_j|^a / max|W_j|^(1-a), and column j of the weight multiplied by it:
in exact arithmetic nothing changes. Maxima are taken over training letters.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipeline.training.network import LetterNetwork

SHARE = 0.85
"""How much of an outlier moves: of 0.5, 0.7, 0.85, 0.95 and 1 the one with the least difference from fp32 on development letters."""


class Smoothed(nn.Module):
    """A linear layer whose input is scaled channel by channel first."""

    def __init__(self, linear: nn.Linear, scale: Tensor) -> None:
        super().__init__()
        self.shrink: Tensor
        self.register_buffer("shrink", 1 / scale)
        self.linear = nn.Linear(linear.in_features, linear.out_features)
        self.linear.weight = nn.Parameter(linear.weight.detach() * scale)
        self.linear.bias = nn.Parameter(linear.bias.detach())

    def forward(self, states: Tensor) -> Tensor:
        return self.linear(states * self.shrink)


class EightBitWords(nn.Module):
    """Word embeddings in 8 bits, a scale a row: a quarter of the size, next to no loss."""

    def __init__(self, words: Tensor) -> None:
        super().__init__()
        self.units: Tensor
        self.scale: Tensor
        scale = words.abs().amax(1, keepdim=True).clamp(min=1e-9) / 127
        self.register_buffer("units", torch.round(words / scale).to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.units[input_ids].to(self.scale.dtype) * self.scale[input_ids]


@torch.no_grad()
def fit_for_8_bits(network: LetterNetwork, ids: Sequence[Sequence[int]]) -> None:
    """Change the network in place; `ids` are token ids of some training letters."""
    _smooth(network, ids, SHARE)
    network.encoder.set_input_embeddings(EightBitWords(network.encoder.get_input_embeddings().weight.detach()))  # type: ignore[operator]


def _smooth(network: LetterNetwork, ids: Sequence[Sequence[int]], share: float) -> None:
    layers = {name: module for name, module in network.encoder.named_modules() if isinstance(module, nn.Linear) and _feed_forward(name)}
    peaks: dict[str, Tensor] = {}

    def watch(name: str) -> object:
        def hook(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            peak = inputs[0].abs().flatten(0, -2).amax(0)
            peaks[name] = torch.maximum(peaks[name], peak) if name in peaks else peak

        return layers[name].register_forward_pre_hook(hook)

    hooks = [watch(name) for name in layers]
    for row in ids:
        tokens = torch.tensor([row])
        network.read(tokens, torch.ones_like(tokens))
    for hook in hooks:
        hook.remove()  # type: ignore[attr-defined]
    for name, linear in layers.items():
        scale = peaks[name].clamp(min=1e-5) ** share / linear.weight.abs().amax(0).clamp(min=1e-5) ** (1 - share)
        parent, _, last = name.rpartition(".")
        setattr(network.encoder.get_submodule(parent), last, Smoothed(linear, scale))


def _feed_forward(name: str) -> bool:
    return name.endswith(("intermediate.dense", "output.dense")) and ".attention." not in name
