"""Networks: rival one. Planes, U-Net, losses, training, voter. The only home of torch.

Import what you need from its module: ``networks.settings`` costs nothing, ``networks.voter`` brings torch.
"""
