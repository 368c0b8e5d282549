"""PyTorch's side of the benchmark on images, as imagesWorker.ts: a turn is one training step of the same network."""

import torch
import torch.nn.functional as F
from reference import options, serve_turns
from torch import nn

config, count = options["config"], options["images"]
encoder, image = config["encoder"], config["image"]
shape = (image["channels"], image["height"], image["width"])
pixels = shape[0] * shape[1] * shape[2]


def dense(*sizes):
    layers = [layer for a, b in zip(sizes, sizes[1:]) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        sizes = [pixels, *encoder["widths"], encoder["latentSize"]]
        self.layers = nn.Sequential(dense(*sizes), dense(*sizes[::-1]), nn.Sigmoid())

    def forward(self, x):
        return F.mse_loss(self.layers(x.flatten(1)), x.flatten(1))


class ConvolutionalAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        a, b = encoder["channels"]
        inner = b * shape[1] * shape[2] // 16
        self.down = nn.Sequential(
            nn.Conv2d(shape[0], a, 3, 2, 1), nn.ReLU(), nn.Conv2d(a, b, 3, 2, 1), nn.ReLU(), nn.Flatten(),
            nn.Linear(inner, encoder["latentSize"]),
        )
        self.up = nn.Sequential(
            nn.Linear(encoder["latentSize"], inner), nn.ReLU(), nn.Unflatten(1, (b, shape[1] // 4, shape[2] // 4)),
            nn.ConvTranspose2d(b, a, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(a, shape[0], 3, 2, 1, 1), nn.Sigmoid(),
        )

    def forward(self, x):
        return F.mse_loss(self.up(self.down(x)), x)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        conv = lambda a, b, kernel, step: nn.Conv2d(a, b, kernel, step, kernel // 2, bias=False)
        self.inner = nn.Sequential(
            conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
            conv(outputs, outputs, 3, 1), nn.BatchNorm2d(outputs),
        )
        same = stride == 1 and inputs == outputs
        self.around = nn.Identity() if same else nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.inner(x) + self.around(x), inplace=True)


def resnet():
    channels = encoder["channels"]
    stem = [nn.Conv2d(shape[0], channels[0], 3, 1, 1, bias=False), nn.BatchNorm2d(channels[0]), nn.ReLU(inplace=True)]
    blocks = [
        Block(outputs if i else channels[max(0, stage - 1)], outputs, 2 if stage and not i else 1)
        for stage, outputs in enumerate(channels)
        for i in range(encoder["blocks"])
    ]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def projector(inputs, size):
    parts = [part for a in (inputs, size, size) for part in (nn.Linear(a, size), nn.BatchNorm1d(size), nn.ReLU())]
    return nn.Sequential(*parts[:-1])


class Contrast(nn.Module):
    def __init__(self):
        super().__init__()
        size = config["projection"]["projectionSize"]
        self.project = nn.Sequential(resnet(), projector(encoder["channels"][-1], size))
        hidden = config["projection"].get("predictorSize", 1)
        self.predict = nn.Sequential(nn.Linear(size, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, size))

    def forward(self, views):
        if config["method"] == "simsiam":
            z1, z2 = (self.project(view) for view in views)
            p1, p2 = self.predict(z1), self.predict(z2)
            return -(F.cosine_similarity(p1, z2.detach()).mean() + F.cosine_similarity(p2, z1.detach()).mean()) / 2
        z = F.normalize(self.project(torch.cat(list(views))))
        logits = (z @ z.T / config["temperature"]).fill_diagonal_(float("-inf"))
        return F.cross_entropy(logits, torch.arange(len(z)).roll(len(z) // 2))


class Attention(nn.Module):
    def __init__(self, size, heads, inner):
        super().__init__()
        self.norm1, self.norm2, self.heads = nn.LayerNorm(size, 1e-6), nn.LayerNorm(size, 1e-6), heads
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.mlp = nn.Sequential(nn.Linear(size, inner), nn.GELU(), nn.Linear(inner, size))

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d))
        return x + self.mlp(self.norm2(x))


class Mae(nn.Module):
    def __init__(self):
        super().__init__()
        decoder, size = config["decoder"], encoder["patchSize"]
        self.size, self.total = size, shape[1] * shape[2] // size**2
        self.seen = round(self.total * (1 - decoder["maskRatio"]))
        stack = lambda c: nn.Sequential(
            *[Attention(c["hiddenSize"], c["attentionHeads"], c["intermediateSize"]) for _ in range(c["layers"])],
            nn.LayerNorm(c["hiddenSize"], 1e-6),
        )
        self.embed = nn.Linear(size * size * shape[0], encoder["hiddenSize"])
        self.narrow = nn.Linear(encoder["hiddenSize"], decoder["hiddenSize"])
        self.encoder, self.decoder = stack(encoder), stack(decoder)
        self.pixels = nn.Linear(decoder["hiddenSize"], size * size * shape[0])
        self.token = nn.Parameter(torch.randn(1, 1, decoder["hiddenSize"]) * 0.02)
        self.register_buffer("wide", torch.randn(1, self.total, encoder["hiddenSize"]))
        self.register_buffer("narrow_places", torch.randn(1, self.total, decoder["hiddenSize"]))

    def forward(self, x):
        n, s = len(x), self.size
        cut = x.reshape(n, shape[0], shape[1] // s, s, shape[2] // s, s).permute(0, 2, 4, 3, 5, 1).reshape(n, self.total, -1)
        order = torch.rand(n, self.total).argsort(1)
        keep, back = order[:, : self.seen, None], order.argsort(1)
        pick = lambda values, places: values.gather(1, places.expand(-1, -1, values.shape[-1]))
        visible = self.embed(pick(cut, keep)) + pick(self.wide.expand(n, -1, -1), keep)
        y = self.narrow(self.encoder(visible))
        y = torch.cat([y, self.token.expand(n, self.total - self.seen, -1)], 1)
        guess = self.pixels(self.decoder(pick(y, back[..., None]) + self.narrow_places))
        masked = (back >= self.seen).float()
        return (((guess - cut) ** 2).mean(-1) * masked).sum() / masked.sum()


models = {"autoencoder": Autoencoder if encoder["type"] == "dense" else ConvolutionalAutoencoder, "mae": Mae}
model = models.get(config["method"], Contrast)().train()
if config["method"] in ("simsiam", "simclr"):
    optimizer = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9, weight_decay=5e-4, fused=True)
    batch = torch.rand(2, count, *shape)
else:
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)
    batch = torch.rand(count, *shape)


def step():
    optimizer.zero_grad()
    loss = model(batch)
    loss.backward()
    optimizer.step()
    return {"loss": loss.item()}


serve_turns(step)
