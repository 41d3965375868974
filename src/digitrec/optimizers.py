"""Muon, the optimizer of the trainings: steps whose matrices are orthogonal, for convolutions as well."""

from typing import TYPE_CHECKING, Any

from digitrec import backend

if TYPE_CHECKING:
    import keras

MOMENTUM = 0.9  # with Keras' 0.95 the eight epochs of a training end a little higher


def build_muon(rate: Any, weight_decay: float) -> "keras.optimizers.Optimizer":
    """Build Muon (Jordan 2024) as Keras has it, taught to take the kernels of convolutions as matrices.

    The matrix of a kernel (height, width, channels, filters) has a column a filter. Vectors, the first convolution and
    the logits take the steps of AdamW; the steps of matrices are as long as AdamW's would be (Liu et al. 2025).

    Args:
        rate: the learning rate, a number or a Keras schedule.
        weight_decay: of all weights, relative to the learning rate.
    """
    ops = backend.keras.ops
    base: Any = backend.keras.optimizers.Muon

    class Muon(base):
        def _should_use_adamw(self, variable: Any) -> bool:
            is_matrix = len(variable.shape) in (2, 4) and variable.shape[-2] > 1
            return not is_matrix or "logits" in variable.path

        def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, momentum: Any) -> None:
            self.assign_add(momentum, gradient + momentum * (self.momentum - 1))
            step = ops.reshape(gradient + self.momentum * momentum, (-1, variable.shape[-1]))
            step = self.lr_adjust(lr * self.zeropower_via_newtonschulz5(step, self.ns_steps))
            self.assign_sub(variable, ops.reshape(step, variable.shape))

    return Muon(rate, momentum=MOMENTUM, weight_decay=weight_decay, adam_weight_decay=weight_decay)
