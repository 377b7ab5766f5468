"""Small random models with a masked-language head, as transformers saves them."""

import torch
from tokenizers import AddedToken, ByteLevelBPETokenizer
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertTokenizerFast,
    DistilBertTokenizerFast,
    RobertaTokenizerFast,
)

FAMILIES = ("bert", "roberta", "distilbert")
SAID = "x it was great terrible good bad film fine dull yes no maybe"
LETTERS = [chr(letter) for letter in range(ord("a"), ord("z") + 1)]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = [*SPECIAL, *SAID.split()[1:], *".,?:!", *LETTERS, *(f"##{letter}" for letter in LETTERS)]


def save_tokenizer(family, folder):
    """Word pieces for BERT's families; bytes for RoBERTa, whose words begin with their space."""
    if family == "roberta":
        words = ByteLevelBPETokenizer()
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        texts = [f" {SAID} It was x? x, x.", SAID, "Expression: x"] * 9
        words.train_from_iterator(texts, 600, 2, show_progress=False, special_tokens=special)
        words.save_model(str(folder))
        mask = AddedToken("<mask>", lstrip=True, special=True)
        files = {name: str(folder / f"{name}.{kind}") for name, kind in (("vocab", "json"), ("merges", "txt"))}
        tokenizer = RobertaTokenizerFast(**files, mask_token=mask)
    else:
        (folder / "vocab.txt").write_text("\n".join(PIECES))
        kind = BertTokenizerFast if family == "bert" else DistilBertTokenizerFast
        tokenizer = kind(str(folder / "vocab.txt"))
    tokenizer.save_pretrained(folder)


def save_masked(family, folder, tied=True, **more):
    """A random model of two layers whose every weight is drawn, biases too, with its tokenizer; gives its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(family, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    sizes["hidden_dim" if family == "distilbert" else "intermediate_size"] = 64
    config = AutoConfig.for_model(
        family, vocab_size=len(tokenizer), max_position_embeddings=80, pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=tied, **sizes, **more,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(11)
        model = AutoModelForMaskedLM.from_config(config)
        with torch.no_grad():
            for weight in model.parameters():
                weight += 0.15 * torch.randn_like(weight)
    model.save_pretrained(folder)
    return folder
