"""Update rules by name: how a change that is wanted becomes pulses, each with settings of its own.

    memlab train mnist-cnn --set update.rule=sign-threshold --set update.step=0.05

    from memlab.rules.sign_threshold import SignThreshold

    model = memlab.Model([layers.Dense(2)], array, 3, update=SignThreshold(step=0.05))

A rule is one module: a class of settings (`RuleSettings`) that makes what programs the cells
(`memlab.mapping.UpdateRule`). Those of other packages are found by entry points of the group
`memlab.rules`, as those of memlab are. On an `ideal:` array nothing is pulsed: weights are written,
and only where errors come from is the rule's.
"""

from memlab.rules.settings import (
    GROUP,
    RuleName,
    RuleSettings,
    UpdateSetting,
    as_rule,
    attach,
    load_rule,
    named,
    rule_names,
)

__all__ = [
    "GROUP",
    "RuleName",
    "RuleSettings",
    "UpdateSetting",
    "as_rule",
    "attach",
    "load_rule",
    "named",
    "rule_names",
]
