"""What goes wrong with payments, in sentences for people.

BillingProblem
+-- Away            Stripe does not answer
+-- NotAccepted         Stripe does not do it: a key, a price or a request is wrong, which the log says
+-- CannotPay       a rule of ours
"""

from django.utils.translation import gettext as _

from agentos.core.http.errors import Problem


class BillingProblem(Problem):
    kind = ""


class Away(BillingProblem):
    kind = "away"

    def __init__(self) -> None:
        super().__init__(503, _("The payment service does not answer now. Nothing was changed. Try again in a minute."))


class NotAccepted(BillingProblem):
    kind = "refused"

    def __init__(self, code: str = "", about: str = "") -> None:
        super().__init__(502, _("The payment service did not accept this. Nothing was changed. Tell your administrator."))
        self.because, self.about = code, about  # Stripe's own word for it, and the field that it is about


class CannotPay(BillingProblem):
    def __init__(self, sentence: str) -> None:
        super().__init__(409, sentence)
