"""The region composition graph and reasoning over it: the paper's (section 3.2, equations 1-3), and ours.

Shape letters: B batch · N regions · D features of a region (the paper's d') · M heads · E features compared by a
head · K knots of the distance prior
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rgnet.errors import SettingError

Grid = tuple[int, int]
Edges = Literal["learned", "uniform", "none"]

SHARPNESS = 10.0
KNOTS = 5


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
    """One graph convolution, Z' = ReLU(S Z W): every region takes in its neighbours' features (equation 3).

    The paper prints Z = SW; its text ("the response of a node based on its neighbors") needs S Z W.
    """
    return F.relu(affinity_BNN @ (region_BND @ weight_DD))


class RegionNorm(nn.BatchNorm1d):
    """Batch normalisation of region_BND, over the regions of all photos."""

    def forward(self, region_BND: Tensor) -> Tensor:
        return super().forward(region_BND.transpose(1, 2)).transpose(1, 2)


class RegionGraph(nn.Module):
    """region_BND -> (region_BND, S_BNN): builds S from X and applies `layers` graph convolutions.

    rebuild:  a new S from each layer's input, with the same A and B, instead of one S for all
    residual: Z_l = Z_{l-1} + ReLU(S Z_{l-1} W_l)
    scaled:   divides the similarity of equation 1 by sqrt(D)
    normed:   A and B, and each W_l, see batch-normalised features (section 3.3, read literally)
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
        normed: bool = False,
    ) -> None:
        super().__init__()
        self.phi = nn.Parameter(torch.empty(channels, channels))
        self.theta = nn.Parameter(torch.empty(channels, channels))
        self.weights = nn.ParameterList(torch.empty(channels, channels) for _ in range(layers))
        self.edge_norm = RegionNorm(channels) if normed else nn.Identity()
        self.norms = nn.ModuleList(RegionNorm(channels) if normed else nn.Identity() for _ in range(layers))
        self.rebuild = rebuild
        self.residual = residual
        self.scale = 1 / math.sqrt(channels) if scaled else 1.0

    def forward(self, region_BND: Tensor, _grid: Grid | None = None) -> tuple[Tensor, Tensor]:
        first_BNN = edges_BNN = self.affinity(region_BND)
        for index, (norm, weight_DD) in enumerate(zip(self.norms, self.weights, strict=True)):
            if self.rebuild and index > 0:
                edges_BNN = self.affinity(region_BND)
            heard_BND = propagate(edges_BNN, norm(region_BND), weight_DD)
            region_BND = region_BND + heard_BND if self.residual else heard_BND
        return region_BND, first_BNN

    def affinity(self, region_BND: Tensor) -> Tensor:
        return affinity(self.edge_norm(region_BND), self.phi, self.theta, scale=self.scale)


class AttentionGraph(nn.Module):
    """region_BND -> (region_BND, S_BNN): several graphs with bounded edge logits, one for each head.

        S_m = softmax_j( 10 tanh(g_m) cos(A_m x_i, B_m x_j) + p_m(|i - j|) ),   x = LN(X)
        Z_l = Z_{l-1} + ReLU( z U_l + [S_1 z W_l1, ..., S_M z W_lM] ),          z = LN(Z_{l-1})

    A gate g_m below 0 connects unlike regions, above 0 alike ones; all gates start at 0, where only distance counts.
    p_m is piecewise linear in log2(1 + distance), see `distance_basis`. The S returned is the mean over heads.

    edges: "learned" as above; "uniform": every S_m is 1/N; "none": no region sees another, an MLP for each region
    """

    def __init__(
        self, channels: int, layers: int = 3, *, heads: int = 4, compared: int = 16, edges: Edges = "learned"
    ) -> None:
        super().__init__()
        if channels % heads:
            raise SettingError(f"{channels} features of a region are not divisible by {heads} heads")
        self.heads = heads
        self.edges = edges
        if edges == "learned":
            self.norm = nn.LayerNorm(channels)
            self.phi = nn.Parameter(torch.empty(channels, heads * compared))
            self.theta = nn.Parameter(torch.empty(channels, heads * compared))
            self.gate = nn.Parameter(torch.empty(heads))
            self.prior = nn.Parameter(torch.empty(heads, KNOTS))
        self.layers = nn.ModuleList(AttentionLayer(channels, edges) for _ in range(layers))
        self.initialise()

    @torch.no_grad()
    def initialise(self) -> None:
        """B = A, so that a cosine is that of two regions from the start; priors are rings, the last one uniform."""
        for layer in self.layers:
            assert isinstance(layer, AttentionLayer)
            layer.initialise()
        if self.edges == "learned":
            nn.init.normal_(self.phi, std=1 / math.sqrt(self.phi.shape[0]))
            self.theta.copy_(self.phi)
            nn.init.zeros_(self.gate)
            centre_M1 = 1 + torch.arange(self.heads)[:, None] % (KNOTS - 1)
            self.prior.copy_(-2.0 * (torch.arange(KNOTS) - centre_M1).abs())
            self.prior[-1].zero_()

    def forward(self, region_BND: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
        affinity_BMNN = self.affinity(region_BND, grid)
        for layer in self.layers:
            region_BND = layer(region_BND, affinity_BMNN)
        return region_BND, affinity_BMNN.mean(dim=1)

    def affinity(self, region_BND: Tensor, grid: Grid) -> Tensor:
        """S_BMNN; every row sums to 1."""
        batch, count, _ = region_BND.shape
        if self.edges == "uniform":
            return region_BND.new_full((1, 1, 1, 1), 1 / count).expand(batch, self.heads, count, count)
        if self.edges == "none":
            eye_NN = torch.eye(count, dtype=region_BND.dtype, device=region_BND.device)
            return eye_NN.expand(batch, self.heads, count, count)
        region_BND = self.norm(region_BND)
        query_BMNE, key_BMNE = (
            F.normalize(_split_heads(region_BND @ weight, self.heads), dim=3)
            for weight in (self.phi, self.theta)
        )
        prior_MNN = distance_prior(self.prior, grid)
        gate_M11 = SHARPNESS * self.gate.tanh()[:, None, None]
        logit_BMNN = gate_M11 * (query_BMNE @ key_BMNE.transpose(2, 3)).float() + prior_MNN
        return logit_BMNN.softmax(dim=3).to(region_BND.dtype)


class AttentionLayer(nn.Module):
    """One step of `AttentionGraph`: own features and those of connected regions inside one ReLU, added to Z."""

    def __init__(self, channels: int, edges: Edges) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.own = nn.Linear(channels, channels)
        self.others = None if edges == "none" else nn.Parameter(torch.empty(channels, channels))

    @torch.no_grad()
    def initialise(self) -> None:
        std = 1 / math.sqrt(self.own.in_features)
        for weight in (self.own.weight, self.others):
            if weight is not None:
                nn.init.normal_(weight, std=std)
        nn.init.zeros_(self.own.bias)

    def forward(self, region_BND: Tensor, affinity_BMNN: Tensor) -> Tensor:
        normed_BND = self.norm(region_BND)
        update_BND = self.own(normed_BND)
        if self.others is not None:
            value_BMNE = _split_heads(normed_BND @ self.others, affinity_BMNN.shape[1])
            update_BND = update_BND + (affinity_BMNN @ value_BMNE).transpose(1, 2).flatten(2)
        return region_BND + F.relu(update_BND)


def _split_heads(region_BND: Tensor, heads: int) -> Tensor:
    """(B, N, M * E) -> (B, M, N, E)."""
    return region_BND.unflatten(2, (heads, -1)).transpose(1, 2)


def distance_prior(prior_MK: Tensor, grid: Grid) -> Tensor:
    """p_MNN of every pair of regions of a grid (H, W)."""
    return (prior_MK[:, :, None, None] * distance_basis(grid, prior_MK.device)).sum(dim=1)


def distance_basis(grid: Grid, device: torch.device | None = None) -> Tensor:
    """basis_KNN: hat functions over log2(1 + distance in regions) with knots at distances 0, 1, 3, 7 and 15.

    They sum to 1; beyond 15 regions the last one stays 1.
    """
    rows, columns = (torch.arange(side, device=device, dtype=torch.float32) for side in grid)
    row_N = rows[:, None].expand(grid).flatten()
    column_N = columns.expand(grid).flatten()
    distance_NN = ((row_N[:, None] - row_N).square() + (column_N[:, None] - column_N).square()).sqrt()
    place_NN = (1 + distance_NN).log2().clamp(max=KNOTS - 1)
    return torch.stack([(1 - (place_NN - knot).abs()).clamp(min=0) for knot in range(KNOTS)])
