"""Networks: rival one. Planes, U-Net, losses, training, voter. The only home of torch.

Import what you need from its module: ``landvote.networks.settings`` costs nothing, ``landvote.networks.voter`` brings torch.
"""
