"""Data sets held in memory, their palettes and batches. Knows nothing of networks or noise.

A new data set is a file with a class of settings, and a line here.
"""

from conf import one_of
from data.bigfaces import BigFaces
from data.cryptopunks import CryptoPunks
from data.folder import Folder
from data.mnist import MNIST, FashionMNIST
from data.pixelfaces import PixelFaces

DATASETS = (CryptoPunks, Folder, MNIST, FashionMNIST, PixelFaces, BigFaces)
AnyDataset = one_of(DATASETS)
