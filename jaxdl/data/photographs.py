"""Single photographs: scikit-learn's two, or any image file, as a square of colours."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from jaxdl.errors import InputError

BUNDLED = {"china": "china.jpg", "flower": "flower.jpg"}
"""Photographs by name, as scikit-learn brings them: 640 × 427."""


def load(name: str, size: int) -> Float[np.ndarray, "size size 3"]:
    """The middle square of `china`, `flower` or an image file, size × size, red, green and blue in [0, 1].

    Grey images are turned to colour, what is transparent lies on white, and a camera's rotation is undone.
    InputError for a file that is missing, damaged or no image, for one of more than 8 bits a colour, and for a size
    below 1.
    """
    from PIL import Image, ImageOps

    if size < 1:
        raise InputError(f"size {size}: expected 1 pixel or more on each side")
    path = _bundled(BUNDLED[name]) if name in BUNDLED else Path(name)
    if not path.is_file():
        raise InputError(f"{name}: no such image; expected {', '.join(BUNDLED)} or an image file")
    try:
        with Image.open(path) as opened:
            photograph = ImageOps.exif_transpose(opened)
            if photograph.mode[0] in "IF":
                raise InputError(f"{name} is grey with more than 8 bits ({photograph.mode}): save it with 8")
            layers = photograph.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name} is damaged or no image: {' '.join(str(error).split())}") from None
    colours = Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB")
    square = ImageOps.fit(colours, (size, size), Image.Resampling.LANCZOS)
    return np.asarray(square, np.float32) / 255


def _bundled(file: str) -> Path:
    """Where scikit-learn keeps it, found without importing scikit-learn, which takes seconds."""
    import importlib.util

    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise InputError("the bundled photographs are scikit-learn's, which is not installed: name an image file")
    return Path(spec.origin).parent / "datasets" / "images" / file
