"""Matrix products in bfloat16 on processors without instructions for them: in float32, rounded once at the end.

A product of bfloat16 numbers is summed in float32 either way; where the processor has no instruction for it, the
library's own emulation takes three to four times as long as two conversions and a float32 product.
"""

from __future__ import annotations

import platform

import torch
from torch import Tensor, nn
from torch.nn import functional


class WideLinear(nn.Linear):
    """A linear layer whose bfloat16 product, on the processor, is taken in float32 and rounded once."""

    def forward(self, input: Tensor) -> Tensor:
        """(..., in) -> (..., out), of the type of the input."""
        if input.dtype != torch.bfloat16 or input.device.type != "cpu":
            return super().forward(input)
        bias = None if self.bias is None else self.bias.float()
        return functional.linear(input.float(), self.weight.float(), bias).to(input.dtype)


def multiplies_bfloat16() -> bool:
    """Whether this processor has instructions for products of bfloat16; taken as true where torch cannot say."""
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return platform.machine().lower() not in ("x86_64", "amd64") or asked is None or bool(asked())


def widen(model: nn.Module) -> None:
    """Turn every linear layer of a frozen bfloat16 model into a `WideLinear`, in place; its weights stay."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = WideLinear
