"""What is known of the things in an image: where and what each is, whose each pixel is, and a sentence about them."""

import re
from dataclasses import dataclass

import numpy as np

from jaxdl.data.parts import Sets
from jaxdl.data.source import Source
from jaxdl.data.text import EOS, SOS, SPECIAL, Vocabulary, pad


@dataclass(frozen=True, eq=False)
class Scenes:
    """Train, dev and test of images with N = `objects` places for what is seen in them, in pixels of the image.

    (0, 0) is the upper left corner of the upper left pixel. What is absent is 0 in all fields. Sets without segments
    have no field of that name, those without landmarks have K = 0.

    image             float32 [H, W, C] in [0, 1]
    boxes             float32 [N, 4], (x1, y1, x2, y2)
    labels            int32 [N]
    present           bool [N]
    segments          int32 [H, W], 1 + class, 0 for the background
    landmarks         float32 [N, K, 2], (x, y)
    landmark_present  bool [N, K]
    caption           int32 [L], from <SOS> to <EOS>, with caption_length int32
    """

    train: Source
    dev: Source
    test: Source
    classes: int
    class_names: tuple[str, ...]
    size: int
    objects: int
    vocabulary: Vocabulary
    channels: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of an image."""
        return self.size, self.size, self.channels

    def as_sets(self) -> Sets:
        """The scenes as `models.classifier` takes a data set."""
        mean, std = np.zeros(self.channels, np.float32), np.ones(self.channels, np.float32)
        return Sets(self.train, self.dev, self.test, self.classes, self.class_names, self.shape, mean, std, "image")


def vocabulary_of(names: tuple[str, ...]) -> Vocabulary:
    """The words of captions about things of these names."""
    words = dict.fromkeys(word for name in ("a an above left of nothing", *names) for word in name.split())
    return Vocabulary((*SPECIAL, *words))


def captions(
    fields: dict[str, np.ndarray], names: tuple[str, ...], vocabulary: Vocabulary
) -> tuple[np.ndarray, np.ndarray]:
    """Tokens and lengths of what `caption` says of each scene [S, ...] that has fields `boxes`, `labels`, `present`."""
    rows = []
    for boxes, labels, present in zip(fields["boxes"], fields["labels"], fields["present"], strict=True):
        said = caption(boxes[present], [names[label] for label in labels[present]])
        rows.append([SOS, *vocabulary.encode(said.split()).tolist(), EOS])
    longest = 3 + max(len(name.split()) for name in names)  # with its article and two words to the next
    return pad(rows, longest * fields["labels"].shape[1] + 2)


def caption(boxes: np.ndarray, names: list[str]) -> str:
    """`a three above a five above an eight`, from top to bottom; or `left of`, where the centres spread more that way.

    Without an object it is `nothing`.
    """
    if not names:
        return "nothing"
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    across, down = np.ptp(centers, 0)
    order = np.argsort(centers[:, int(down >= across)], kind="stable")
    articles = ("an" if re.match("(?!one)[aeiou]", names[place]) else "a" for place in order)
    said = (f"{article} {names[place]}" for article, place in zip(articles, order, strict=True))
    return (" above " if down >= across else " left of ").join(said)
