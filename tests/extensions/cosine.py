"""A readout in one file: a temperature times the cosine with one trained vector a class; no bias."""

from typing import ClassVar, Literal

from pydantic import Field

from dpflat.readout import Readout, register


@register
class Cosine(Readout):
    """Logits are cosines."""

    words: ClassVar = "cosine readout"
    kind: Literal["cosine"] = "cosine"
    temperature: float = Field(5.0, gt=0, le=100)

    def initial(self, backbone, classes, seed):
        return {"head.directions": backbone.zeros(classes, backbone.hidden_size)}

    def outputs(self, objective, parameters, features, per_example):
        directions = parameters["head.directions"]
        lengths = directions.square().sum(dim=-1).add(1e-4).sqrt()
        return self.temperature * objective.class_products(features, directions, per_example) / lengths

    def scores(self, objective, outputs, batch):
        return {**super().scores(objective, outputs, batch), "margin": outputs.amax(dim=1) - outputs.amin(dim=1)}

    def metrics(self, scores):
        return {"mean margin": float(scores["margin"].mean())}
