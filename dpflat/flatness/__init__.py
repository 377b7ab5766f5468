"""The three levels of DP-Flat: within a layer, across layers, across models; each as published and repaired."""
