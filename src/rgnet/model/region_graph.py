"""The region composition graph and reasoning over it (section 3.2, equations 1-3).

Shape letters: B batch · N regions · D features of a region (the paper's d')
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def affinity(region_BND: Tensor, phi_DD: Tensor, theta_DD: Tensor, *, scale: float = 1.0) -> Tensor:
    """S_BNN, the weight of the edge from region i (row) to region j (column); every row sums to 1.

        s(x_i, x_j) = scale (A x_i)^T (B x_j)                      equation 1, A = phi_DD, B = theta_DD
        S_ij = exp s(x_i, x_j) / sum_k exp s(x_i, x_k)             equation 2

    A^T B is multiplied out first: it is one matrix for all photos, which engines compute once and for all. The
    softmax is taken in float32 whatever the precision around it.
    """
    query_BND = region_BND @ (phi_DD.t() @ theta_DD * scale)
    similarity_BNN = query_BND @ region_BND.transpose(1, 2)
    return similarity_BNN.softmax(dim=2, dtype=torch.float32).to(region_BND.dtype)


def propagate(affinity_BNN: Tensor, region_BND: Tensor, weight_DD: Tensor) -> Tensor:
    """One graph convolution, Z' = ReLU(S Z W): every region hears its neighbours (equation 3).

    The paper prints Z = SW; its text ("the response of a node based on its neighbors") needs S Z W.
    """
    return F.relu(affinity_BNN @ (region_BND @ weight_DD))


class RegionGraph(nn.Module):
    """region_BND -> (region_BND, S_BNN): builds S from X and applies `layers` graph convolutions.

    rebuild:  a new S from each layer's input, with the same A and B, instead of one S for all
    residual: Z_l = Z_{l-1} + ReLU(S Z_{l-1} W_l)
    scaled:   divides the similarity of equation 1 by sqrt(D)
    The defaults are the paper's. The S returned is the first one, built from X.
    """

    def __init__(
        self,
        channels: int,
        layers: int = 3,
        *,
        rebuild: bool = False,
        residual: bool = False,
        scaled: bool = False,
    ) -> None:
        super().__init__()
        self.phi = nn.Parameter(torch.empty(channels, channels))
        self.theta = nn.Parameter(torch.empty(channels, channels))
        self.weights = nn.ParameterList(torch.empty(channels, channels) for _ in range(layers))
        self.rebuild = rebuild
        self.residual = residual
        self.scale = 1 / math.sqrt(channels) if scaled else 1.0

    def forward(self, region_BND: Tensor) -> tuple[Tensor, Tensor]:
        first_BNN = edges_BNN = self.edges(region_BND)
        for index, weight_DD in enumerate(self.weights):
            if self.rebuild and index > 0:
                edges_BNN = self.edges(region_BND)
            heard_BND = propagate(edges_BNN, region_BND, weight_DD)
            region_BND = region_BND + heard_BND if self.residual else heard_BND
        return region_BND, first_BNN

    def edges(self, region_BND: Tensor) -> Tensor:
        return affinity(region_BND, self.phi, self.theta, scale=self.scale)
