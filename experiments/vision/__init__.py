"""Experiments on images. What the classifiers among them share, their flags and the Task made of them, is here."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Literal

import flax.linen as nn
import tyro

from experiments import expect
from jaxdl.data import augment, images
from jaxdl.data.parts import Sets
from jaxdl.errors import InputError
from jaxdl.models.classifier import classifier
from jaxdl.models.cost import multiplications
from jaxdl.models.ensemble import averaged
from jaxdl.optim.chain import Chain
from jaxdl.report.classification import of_dev
from jaxdl.task import Task
from jaxdl.train.transfer import Transfer, transferred


@dataclass(frozen=True)
class Recipe:
    """What an image classifier is trained on, and how."""

    dataset: str = "digits"
    """`digits`, any TFDS image set (cifar10, imagenette, …), or `random/1000`: noise in 1000 classes."""
    size: int = 16
    """Images are resized to so many pixels on each side."""
    split_seed: int = 0
    """Of the division into train, dev and test, where the set has none."""
    epochs: int = 30
    batch_size: int = 64
    max_shift: int = 1
    """Augmentation: each image is moved by up to so many pixels."""
    crop: float = 1.0
    """Augmentation: a window of this share of each side, anywhere in the image, is enlarged to the whole."""
    flip: bool = False
    """Augmentation: half of the images are mirrored."""
    crops: Literal[1, 5, 10] = 1
    """Scored by the mean probability of so many windows of that share: corners and centre, and for 10 their mirrors."""
    transfer: Annotated[Transfer, tyro.conf.arg(name="")] = Transfer()
    optimizer: Chain = Chain("adam", learning_rate=3e-3, decay="cosine")

    def __post_init__(self) -> None:
        expect(self, 1, "size", "epochs", "batch_size")
        if not 0 < self.crop <= 1:
            raise InputError(f"--crop {self.crop}: expected a share of each side in (0, 1], such as 0.875")

    def load(self) -> Sets:
        """The data set. InputError where mirroring would change what its images say."""
        if self.flip or self.crops == 10:
            augment.check_allowed(["horizontal_flip"], self.dataset)
        return images.load(self.dataset, size=self.size, seed=self.split_seed)

    def task(self, model: nn.Module, data: Sets, **options: Any) -> Task:
        """The training of a model on it, with what one image costs among its facts; options are `classifier`'s."""
        steps: list[augment.Augmentation] = []
        steps += [partial(augment.random_shift, max_shift=self.max_shift)] if self.max_shift else []
        steps += [partial(augment.random_crop, share=self.crop)] if self.crop < 1 else []
        steps += [augment.random_horizontal_flip] if self.flip else []
        chained = augment.chain(*steps) if steps else None
        task = classifier(model, data, self.optimizer, self.epochs, self.batch_size, augment=chained, **options)
        cost = {"multiplications": multiplications(model, data.shape)}
        if self.crops > 1:
            if self.crop == 1:
                raise InputError(
                    f"--crops {self.crops} of the whole image are all the same: give --crop too, such as 0.875"
                )
            windows = augment.five_crops if self.crops == 5 else augment.ten_crops
            task = averaged(task, partial(windows, share=self.crop))
        return transferred(replace(task, facts=cost, figures=of_dev(task.predict, data)), self.transfer)
