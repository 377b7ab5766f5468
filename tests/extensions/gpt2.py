"""A family of one's own: GPT-2 as an encoder. A word attends to those before it; the last one stands for the text."""

from dpflat.backbones.families import FAMILIES
from dpflat.backbones.family import Family


class Gpt2(Family):
    options = {"use_cache": False}
    layers_field = "n_layer"
    heads = (".score.",)

    def count_weights(self, config):
        width = config.hidden_size
        return (config.vocab_size + config.max_position_embeddings + 4 * width * config.num_hidden_layers) * width

    def attended(self, mask):
        import torch

        later = torch.full_like(mask, torch.finfo(mask.dtype).min).expand(-1, -1, mask.shape[-1], -1).triu(1)
        return torch.minimum(mask, later)

    def embed(self, model, input_ids):
        return model.wte(input_ids) + model.wpe.weight[: input_ids.shape[1]]

    def run_layer(self, model, layer, states, mask, prefix):
        after = model.h[layer](states, attention_mask=mask, prefix=prefix)
        return model.ln_f(after) if layer + 1 == len(model.h) else after

    def read_attention(self, model, layer, states, mask, prefix):
        block = model.h[layer]
        return block.attn(block.ln_1(states), attention_mask=mask, prefix=prefix)[1]

    def pool(self, states, mask):
        last = mask.sum(dim=1) - 1
        return states[range(len(states)), last].float()


FAMILIES.register("gpt2", Gpt2())
