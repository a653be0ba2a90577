"""Tools as an operator would write them, for AGENTOS_TOOLS."""

from agentos.agents.tools import ASK, Answer, Refused, Tool, tool

STOCK = {"tea": 12, "cups": 3}


@tool("Stock", group="Shop")
async def stock(article: str, images: int = 0) -> dict[str, int]:
    """Tell how many of an article are in stock.

    Args:
        article: Its name, for example
            tea.
        images: A name that Agno would fill in by itself.
    """
    if article not in STOCK:
        raise Refused(f"There is no article {article!r}.")
    return {"in_stock": STOCK[article], "images": images}


orders = Tool("orders", "Orders", "Orders of the shop, and new ones.", group="Shop", is_private=True)


@orders.function
async def list_orders() -> Answer:
    """List the open orders."""
    return Answer("1 order", shown={"kind": "table", "rows": [["tea", 2]]})


@orders.function(asks=lambda _context, arguments: int(arguments.get("count", 0)) > 10, lasting=False)
async def place_order(article: str, count: int) -> str:
    """Place an order."""
    return f"Ordered {count} of {article}."


@tool("Closing", group="Shop", policy=ASK, policies=(ASK,), needs=lambda: "" if STOCK else "The shop is empty.")
async def close_shop() -> str:
    """Close the shop."""
    return "Closed."
