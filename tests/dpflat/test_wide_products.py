"""Products of bfloat16 numbers by float32: the exact product rounded once, forward and backward."""

import copy

import pytest
import torch
from torch import nn

from dpflat.backbones import wide_products
from dpflat.backbones.random_tiny import build_random_tiny
from dpflat.backbones.wide_products import WideLinear, widen


def _pair(rows=64, width=96, out=48):
    torch.manual_seed(0)
    plain = nn.Linear(width, out).to(torch.bfloat16).requires_grad_(False)
    wide = copy.deepcopy(plain)
    widen(wide)
    return plain, wide, torch.randn(rows, width).to(torch.bfloat16)


def _rounded_once(exact):
    return exact.to(torch.float32).to(torch.bfloat16)


def test_the_product_is_the_exact_one_rounded_once():
    plain, wide, x = _pair()
    exact = _rounded_once(nn.functional.linear(x.double(), plain.weight.double(), plain.bias.double()))
    found = wide(x)
    assert found.dtype == torch.bfloat16
    assert (found == exact).float().mean() > 0.999
    torch.testing.assert_close(found, exact, rtol=2**-7, atol=0)  # one unit in the last of 8 binary places


def test_the_gradient_is_that_of_the_plain_layer_up_to_rounding():
    plain, wide, x = _pair()
    grads = []
    for layer in (plain, wide):
        inside = x.clone().requires_grad_()
        layer(inside).square().sum().backward()
        grads.append(inside.grad)
    torch.testing.assert_close(grads[1], grads[0], rtol=2**-6, atol=2**-6)


def test_weights_keep_their_names_and_type_and_other_types_go_the_plain_way():
    plain, wide, x = _pair()
    assert isinstance(wide, WideLinear)
    assert {name: value.dtype for name, value in wide.state_dict().items()} == dict.fromkeys(
        ("weight", "bias"), torch.bfloat16
    )
    floats = wide.float()
    torch.testing.assert_close(floats(x.float()), plain.float()(x.float()), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("native", "dtype", "wide"), [(False, "bfloat16", True), (True, "bfloat16", False), (False, "float32", False)]
)
def test_layers_are_widened_only_in_bfloat16_without_instructions_for_it(monkeypatch, native, dtype, wide):
    monkeypatch.setattr("dpflat.backbones.load.multiplies_bfloat16", lambda: native)
    layers = [m for m in build_random_tiny(dtype).model.modules() if isinstance(m, nn.Linear)]
    assert layers
    assert {isinstance(layer, WideLinear) for layer in layers} == {wide}


@pytest.mark.parametrize(
    ("machine", "asked", "answer"),
    [("x86_64", False, False), ("x86_64", True, True), ("AMD64", False, False), ("arm64", False, True)],
)
def test_the_processor_is_asked_where_torch_can_say(monkeypatch, machine, asked, answer):
    monkeypatch.setattr(wide_products.platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: asked, raising=False)
    assert wide_products.multiplies_bfloat16() is answer
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert wide_products.multiplies_bfloat16() is True
