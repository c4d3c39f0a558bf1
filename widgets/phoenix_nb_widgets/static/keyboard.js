// In its command mode JupyterLab takes letters and arrows away from drop-down lists: they would act on the cell,
// turn it into text or delete it. Text fields are spared by JupyterLab itself.
const spare = ({ target }) => {
  if (target.matches?.(".phx-panel select")) target.setAttribute("data-lm-suppress-shortcuts", "true");
};

export default {
  render() {
    document.addEventListener("focusin", spare);
    return () => {
      if (!document.querySelector(".phx-panel")) document.removeEventListener("focusin", spare);
    };
  },
};
