import math

import pytest
import torch
from transformers import BertConfig, BertModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from dpflat.core.attention import NAME, additive_mask, attend, register_attention

pytestmark = pytest.mark.integration


@pytest.fixture
def bert():
    torch.manual_seed(0)
    config = BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=3, num_attention_heads=4, intermediate_size=32)
    return BertModel(config, add_pooling_layer=False).eval()


@pytest.fixture
def text():
    ids = torch.randint(1, 50, (4, 7), generator=torch.Generator().manual_seed(1))
    mask = torch.arange(7)[None] < torch.tensor([7, 5, 2, 6])[:, None]
    return ids, mask


def with_ours(bert):
    register_attention()
    bert.set_attn_implementation(NAME)
    return bert


def test_without_prefixes_it_equals_the_eager_path_bit_for_bit(bert, text):
    ids, mask = text
    bert.set_attn_implementation("eager")
    expected = bert(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    ours = with_ours(bert)
    found = ours(input_ids=ids, attention_mask=additive_mask(mask, torch.float32), prefix={}).last_hidden_state
    assert torch.equal(found, expected)


def test_it_is_registered_with_a_mask_function_so_that_a_plain_mask_is_not_lost(bert, text):
    ids, mask = text
    ours = with_ours(bert)
    assert NAME in ALL_MASK_ATTENTION_FUNCTIONS
    masked = ours(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    unmasked = ours(input_ids=ids).last_hidden_state
    assert not torch.allclose(masked[2, :2], unmasked[2, :2])


def test_padding_does_not_reach_real_tokens(bert, text):
    ids, mask = text
    ours = with_ours(bert)
    prefix = {1: torch.randn(2, 4, 3, 4)}
    other = torch.where(mask, ids, (ids + 7) % 50)
    both = [
        ours(input_ids=i, attention_mask=additive_mask(mask, torch.float32), prefix=prefix).last_hidden_state
        for i in (ids, other)
    ]
    assert torch.equal(both[0][mask], both[1][mask])


class Layer(torch.nn.Module):
    layer_idx = 0


def brute_force(query, key, value, mask, prefix):
    batch, heads, tokens, dim = query.shape
    groups = heads // key.shape[1]
    output = torch.zeros(batch, tokens, heads, dim, dtype=query.dtype)
    for b in range(batch):
        for h in range(heads):
            k = torch.cat([prefix[b, 0, h // groups], key[b, h // groups]])
            v = torch.cat([prefix[b, 1, h // groups], value[b, h // groups]])
            for s in range(tokens):
                scores = [
                    (query[b, h, s] @ k[j]) / math.sqrt(dim)
                    for j in range(len(k))
                    if j < prefix.shape[3] or mask[b, j - prefix.shape[3]]
                ]
                kept = [j for j in range(len(k)) if j < prefix.shape[3] or mask[b, j - prefix.shape[3]]]
                weights = torch.softmax(torch.stack(scores), dim=0)
                output[b, s, h] = sum(w * v[j] for w, j in zip(weights, kept, strict=True))
    return output


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_with_prefixes_it_equals_a_loop_over_queries_and_keys(kv_heads):
    torch.manual_seed(2)
    query = torch.randn(2, 4, 5, 3, dtype=torch.float64)
    key, value = torch.randn(2, 2, kv_heads, 5, 3, dtype=torch.float64)
    prefix = torch.randn(2, 2, kv_heads, 2, 3, dtype=torch.float64)
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    found, weights = attend(Layer(), query, key, value, additive_mask(mask, torch.float64), prefix={0: prefix})
    torch.testing.assert_close(found, brute_force(query, key, value, mask, prefix), rtol=0, atol=1e-12)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 5, dtype=torch.float64))


def test_one_prefix_for_all_rows_equals_a_copy_for_each():
    torch.manual_seed(3)
    query, key, value = torch.randn(3, 2, 4, 5, 3)
    prefix = torch.randn(2, 4, 2, 3)
    shared = attend(Layer(), query, key, value, None, prefix={0: prefix})[0]
    copied = attend(Layer(), query, key, value, None, prefix={0: prefix.expand(2, *prefix.shape)})[0]
    assert torch.equal(shared, copied)


def test_any_subset_of_layers_may_have_a_prefix_and_each_one_counts(bert, text):
    ids, mask = text
    ours = with_ours(bert)
    whole = {layer: torch.randn(2, 4, 2, 4) for layer in range(3)}

    def states(layers):
        chosen = {layer: whole[layer] for layer in layers}
        return ours(input_ids=ids, attention_mask=additive_mask(mask, torch.float32), prefix=chosen).last_hidden_state

    outputs = [states(layers) for layers in [(), (0,), (1,), (2,), (0, 2), (0, 1, 2)]]
    for i, first in enumerate(outputs):
        for second in outputs[:i]:
            assert not torch.allclose(first[mask], second[mask])


def test_a_prefix_of_zeros_is_not_the_same_as_no_prefix(bert, text):
    ids, mask = text
    ours = with_ours(bert)
    term = additive_mask(mask, torch.float32)
    absent = ours(input_ids=ids, attention_mask=term, prefix={}).last_hidden_state
    zeros = ours(input_ids=ids, attention_mask=term, prefix={0: torch.zeros(2, 4, 2, 4)}).last_hidden_state
    assert not torch.allclose(absent[mask], zeros[mask])


def test_it_has_a_double_backward():
    torch.manual_seed(4)
    query, key, value = torch.randn(3, 1, 2, 3, 2, dtype=torch.float64)
    prefix = torch.randn(1, 2, 2, 1, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda p: attend(Layer(), query, key, value, None, prefix={0: p})[0], (prefix,))


def test_dropout_is_refused():
    query, key, value = torch.randn(3, 1, 2, 3, 2)
    with pytest.raises(ValueError, match="evaluation mode"):
        attend(Layer(), query, key, value, None, dropout=0.1)
