"""One architecture a file. Each is called as `model(x, mask, train)`.

mask   whether the example is real (1) or padding (0): what batch norm must know
train  whether dropout drops and batch norm takes the batch's own moments
"""
