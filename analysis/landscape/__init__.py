"""How the loss looks around the weights of a run: along lines, over planes, and whether planes agree."""
